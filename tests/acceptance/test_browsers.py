"""The main paths through the app in other browsers than Chromium, which all other tests use."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.held import standing_still
from tests.support.pdfs import guided_pdf, text_pdf
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


def test_the_chapters_of_an_outline_are_read_as_text_at_night(visitor: Visitor) -> None:
    page = visitor.sign_in("Reader at night").page
    visitor.choose(guided_pdf(13))
    expect(page.locator(".part:has(:checked)")).to_have_count(2)
    page.get_by_role("textbox", name="Title: Chapter Preface").fill("Before")
    page.get_by_role("button", name="Add 2 chapters").click()
    expect(page.locator(".chapter-title")).to_have_text(["Before", "Phần một"], timeout=60_000)
    page.locator(".chapter-open").last.click()
    visitor.text_of(1)
    page.get_by_role("button", name="Read as text").click()
    expect(page.locator(".page[data-page='1'] .flow")).to_contain_text("page 3 of 13")
    page.get_by_role("button", name="View, print and download").click()
    page.get_by_role("button", name="Night colours").click()
    expect(page.locator("#reader")).to_have_css("color-scheme", "dark")
    visitor.press("Escape")
    page.get_by_role("button", name="Contents", exact=True).click()
    page.locator("#contents").get_by_role("link", name="Chapter 4").click()
    expect(page.get_by_label("Go to page")).to_have_value("2")
    page.locator(".page[data-page='2'] .flow a[href$='/11']").first.click()
    expect(page.get_by_label("Go to page")).to_have_value("11")
    page.get_by_role("link", name="← Before").click()
    expect(page.locator(".page[data-page='1'] .flow")).to_contain_text("page 1 of 13")


def test_the_app_starts_again_after_its_files_could_not_be_loaded(
    firefox: Browser, slow: ServerProcess
) -> None:
    page = firefox.new_page()
    page.route("**/shared/dom.js", lambda route: route.abort())
    page.goto(slow.url)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.unroute("**/shared/dom.js")
    expect(page.get_by_label("Your name")).to_be_visible(timeout=60_000)
    page.close()
