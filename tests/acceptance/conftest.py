"""Fixtures of tests in real browsers: Chromium and Firefox, the app, and pages on other origins."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, Response, sync_playwright

from tests.support.held import SLOW
from tests.support.server import ServerProcess
from tests.support.sites import Site
from tests.support.tools import program
from tests.support.visitor import Visitor

OpenPage = Callable[[Site], Page]
OpenVisitor = Callable[..., Visitor]


# Containers have no graphics card and not what the sandbox needs; tests use only this machine.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium without a window; if it is missing, the test is skipped, or fails in CI."""
    path = program("chromium-headless-shell", "chromium-headless-shell")
    running = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
    yield running
    running.close()


@pytest.fixture(scope="session")
def firefox(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Firefox without a window, over WebDriver BiDi."""
    path = program("firefox-esr", "firefox-esr")
    running = playwright.firefox.launch(
        channel="moz-firefox",
        executable_path=path,
        firefox_user_prefs={"ui.prefersReducedMotion": 1},
    )
    yield running
    running.close()


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose jobs can be held up."""
    server = ServerProcess(tmp_path_factory.mktemp("slow"), SLOW).start().wait_until_ready()
    yield server
    assert server.stop() == 0


@pytest.fixture
def visit(browser: Browser) -> Iterator[OpenVisitor]:
    """Opens the app for a new user. At the end the browser must not have complained of anything."""
    visitors: list[Visitor] = []

    def open_(server: ServerProcess, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, server.url, **options))
        return visitors[-1]

    yield open_
    for visitor in visitors:
        visitor.close()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A site whose pages use the service."""
    serving = Site(Path(__file__).parent / "other-origin")
    yield serving
    serving.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens web pages in fresh browsers. At the end, no response may have had a header twice."""
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
