"""Fixtures of tests in a real browser: Chromium, and pages on origins of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response

from tests.support.browser import chromium
from tests.support.sites import Site

OpenPage = Callable[[Site], Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A site whose pages use the service."""
    serving = Site(Path(__file__).parent / "other-origin")
    yield serving
    serving.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens a site's page in a browser without a past. At the end no answer may have had a header twice."""
    pages: list[Page] = []
    responses: list[Response] = []

    def open_(opened: Site) -> Page:
        page = browser.new_context(ignore_https_errors=True).new_page()
        pages.append(page)
        page.set_default_timeout(60_000)
        page.on("response", lambda response: responses.append(response))
        page.goto(opened.origin)
        page.wait_for_function("window.isReady")
        return page

    yield open_
    for response in responses:
        names = sorted(header["name"].lower() for header in response.headers_array())
        assert names == sorted(set(names)), f"{response.url}: {names}"
    for page in pages:
        page.context.close()
