"""The main paths through the app in other browsers than Chromium, which all other tests use."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.held import standing_still
from tests.support.pdfs import text_pdf
from tests.support.server import ServerProcess
from tests.support.visitor import Visitor


@pytest.fixture
def visitor(firefox: Browser, slow: ServerProcess) -> Iterator[Visitor]:
    visiting = Visitor(firefox, slow.url)
    yield visiting
    visiting.close()


def test_a_chapter_is_uploaded_watched_read_and_searched(
    visitor: Visitor, slow: ServerProcess
) -> None:
    page = visitor.sign_in("Reader with Firefox").page
    with standing_still(visitor, slow):
        job = visitor.submit(text_pdf(12), title="Lorem ipsum", book="Latin")
        visitor.wait("start", lambda: job.get_attribute("data-state") == "processing")
        expect(job.get_by_role("progressbar")).to_be_visible()
    visitor.wait_for_state(job, "completed")
    expect(page.locator(".book", has_text="Latin")).to_contain_text("Lorem ipsum")
    visitor.read(job)
    expect(page.get_by_role("heading", name="Lorem ipsum")).to_be_visible()
    visitor.wait_for_image(1)
    visitor.text_of(1)
    page.get_by_label("Go to page").fill("7")
    visitor.press("Enter")
    visitor.wait_for_image(7)
    visitor.press("/")
    page.keyboard.type("page 11")
    expect(page.locator("#search-count")).to_have_text("1 page found")
    visitor.press("Enter")
    expect(page.locator(".page[data-page='11'] .mark.is-current").first).to_be_in_viewport()
    visitor.wait("page in the address", lambda: page.url.endswith("/11"))
    page.reload()
    visitor.text_of(11)
    visitor.press("Escape")
    expect(page.locator(".chapter", has_text="Lorem ipsum")).to_be_visible()
