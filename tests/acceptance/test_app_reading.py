"""What makes the reader comfortable: the place, the network, views, contents. In a real browser."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from tests.acceptance.conftest import OpenVisitor
from tests.support.client import Client
from tests.support.pdfs import (
    PARAGRAPH,
    guided_pdf,
    headings_pdf,
    page_count,
    photo_pdf,
    text_pdf,
)
from tests.support.scripts import japanese_pdf
from tests.support.server import ServerProcess
from tests.support.visitor import Visitor

pytestmark = pytest.mark.long_file(60)


class Reading:
    """A user with a book: the chapter `First` of 12 pages, and `Second` with headings."""

    def __init__(self, server: ServerProcess, name: str) -> None:
        self.client = Client(server.url, name)
        self.chapters: dict[str, str] = {}

    def add(self, title: str, pdf: bytes, **fields: object) -> "Reading":
        order = {"order_index": len(title)}
        job = self.client.end_of(self.client.submit(pdf, title=title, **order, **fields))
        self.chapters[title] = job["result"]["chapter_id"]
        return self

    def open(self, visitor: Visitor, chapter: str, page: int | None = None) -> Visitor:
        """Signs in and opens the chapter at the page, or where its reader stopped."""
        kept = json.dumps({"name": self.client.user_id, "token": self.client.token})
        visitor.page.evaluate("kept => localStorage.setItem('wordai.session', kept)", kept)
        place = f"/{page}" if page else ""
        address = f"#/books/{self.client.book_id}/{self.chapters[chapter]}{place}"
        visitor.page.goto("about:blank")
        visitor.page.goto(f"{self.client.url}/{address}")
        expect(visitor.page.get_by_role("heading", name=chapter, exact=True)).to_be_visible()
        return visitor


@pytest.fixture(scope="module")
def reading(server: ServerProcess) -> Iterator[Reading]:
    yield (
        Reading(server, "Comfortable reader")
        .add("First", text_pdf(12))
        .add("Second", headings_pdf())
        .add("A picture", photo_pdf())
    )


def test_opening_a_chapter_goes_to_where_its_reader_stopped(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    own = Reading(server, "Interrupted reader").add("Long", text_pdf(12))
    visitor = own.open(visit(server), "Long")
    visitor.text_of(1)
    visitor.press("ArrowRight", "ArrowRight", "ArrowRight", "Escape")
    link = visitor.page.locator(".chapter a", has_text="Long")
    expect(link).to_be_visible()
    link.click()
    visitor.text_of(4)
    expect(visitor.page.get_by_label("Go to page")).to_have_value("4")


def test_the_current_page_comes_first_and_what_is_scrolled_past_is_given_up(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    own = Reading(server, "Jumping reader").add("First", text_pdf(12))
    visitor = visit(server)
    asked: list[int] = []
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        found = re.search(r"/pages/(\d+)/image", route.request.url)
        assert found
        asked.append(int(found[1]))
        if asked[-1] < 4:
            held.append(route)
        else:
            route.continue_()

    given_up: list[str] = []
    visitor.page.on("requestfailed", lambda request: given_up.append(request.url))
    visitor.page.route("**/image?*", hold_the_first)
    own.open(visitor, "First")
    first = visitor.page.locator(".page[data-page='1']")
    visitor.wait("first request", lambda: bool(asked))
    expect(first).to_have_class(re.compile("is-loading"))
    assert asked == [1], "the current page has the network for itself"
    visitor.page.get_by_label("Go to page").fill("9")
    visitor.press("Enter")
    visitor.wait_for_image(9)
    assert asked[1] == 9
    assert any("/pages/1/image" in url for url in given_up)
    visitor.text_of(9)
    visitor.page.unroute("**/image?*")


def test_all_comes_back_by_itself_after_a_lost_network(
    server: ServerProcess, visit: OpenVisitor, reading: Reading
) -> None:
    visitor = reading.open(visit(server), "First", 1)
    visitor.wait_for_image(2)
    visitor.text_of(2)
    lost = visitor.page.locator("#reader-lost")
    visitor.context.set_offline(True)
    visitor.press("End")
    expect(lost).to_contain_text("Pages cannot be loaded right now")
    expect(visitor.page.locator(".page[data-page='12']")).to_have_class(re.compile("is-loading"))
    lost.get_by_role("button", name="Try now").click()
    expect(lost).to_be_visible()
    visitor.context.set_offline(False)
    visitor.wait_for_image(12)
    visitor.text_of(12)
    expect(lost).to_be_hidden()


def test_a_chapter_is_read_as_flowing_text_with_headings(
    server: ServerProcess, visit: OpenVisitor, reading: Reading
) -> None:
    visitor = reading.open(visit(server), "Second")
    page = visitor.page
    page.get_by_role("button", name="Read as text").click()
    expect(page.locator("#announcer")).to_have_text("Page 1 of 1")
    flow = page.locator(".page .flow")
    expect(flow.get_by_role("heading", name="Chapter one")).to_be_visible()
    expect(flow.locator("p")).to_have_text(PARAGRAPH)
    expect(flow).to_have_attribute("lang", "en")
    size = flow.evaluate("it => parseFloat(getComputedStyle(it).fontSize)")
    page.get_by_role("button", name="Zoom in").click()
    larger = flow.evaluate("it => parseFloat(getComputedStyle(it).fontSize)")
    assert larger == pytest.approx(size * 1.25, rel=0.01)
    page.reload()
    expect(flow.locator("p")).to_have_text(PARAGRAPH)
    page.get_by_role("button", name="Read as text").click()
    visitor.wait_for_image(1)


def test_text_stays_in_its_place_while_the_text_before_it_comes(
    server: ServerProcess, visit: OpenVisitor, reading: Reading
) -> None:
    visitor = reading.open(visit(server), "First", 7)
    visitor.text_of(7)
    visitor.page.get_by_role("button", name="Read as text").click()
    texts = visitor.page.locator(".page .flow")
    visitor.wait("texts", lambda: texts.count() > 4)
    expect(visitor.page.get_by_label("Go to page")).to_have_value("7")
    expect(texts.filter(has_text="page 7 of 12")).to_be_in_viewport()


def test_pages_are_shown_in_pairs_whole_and_at_night_also_next_time(
    server: ServerProcess, visit: OpenVisitor, reading: Reading
) -> None:
    visitor = reading.open(visit(server), "First", 4)
    page = visitor.page
    visitor.wait_for_image(4)
    page.get_by_role("button", name="View, print and download").click()
    for name in ("Fit page", "Two pages", "Night colours"):
        page.get_by_role("button", name=name).click()
    visitor.press("Escape")
    expect(page.locator("#view-menu")).to_be_hidden()
    expect(page.locator("#reader")).to_be_visible()
    for _ in range(2):
        left, right = (page.locator(f".page[data-page='{number}']") for number in (4, 5))
        boxes = [each.bounding_box() for each in (left, right)]
        assert boxes[0] and boxes[1] and boxes[0]["y"] == boxes[1]["y"]
        assert boxes[0]["height"] < 800
        expect(page.locator("#reader")).to_have_class(re.compile("is-night"))
        page.reload()
        visitor.wait_for_image(5)
    visitor.press("ArrowRight")
    expect(page.get_by_label("Go to page")).to_have_value("6")


def test_the_next_chapter_and_the_one_before_are_a_click_away(
    server: ServerProcess, visit: OpenVisitor, reading: Reading
) -> None:
    visitor = reading.open(visit(server), "First", 12)
    page = visitor.page
    expect(page.locator("#reader-book")).to_have_text(f"A book of {reading.client.user_id}")
    page.get_by_role("link", name="Next: Second").click()
    expect(page.get_by_role("heading", name="Second", exact=True)).to_be_visible()
    page.get_by_role("link", name="← First").click()
    expect(page.get_by_role("heading", name="First", exact=True)).to_be_visible()
    expect(page.get_by_label("Go to page")).to_have_value("12")
    page.get_by_role("button", name="Contents", exact=True).click()
    contents = page.locator("#contents")
    expect(contents.get_by_role("link")).to_have_text(["First", "Second", "A picture"])
    contents.get_by_role("button", name="Pages").click()
    contents.get_by_role("link", name="Page 3").click()
    visitor.text_of(3)
    page.go_back()
    expect(page.get_by_label("Go to page")).to_have_value("12")


def test_a_screen_reader_is_told_the_page_and_finds_a_node_a_line(
    server: ServerProcess, visit: OpenVisitor, reading: Reading
) -> None:
    visitor = reading.open(visit(server), "First", 1)
    visitor.text_of(1)
    announcer = visitor.page.locator("#announcer")
    expect(announcer).to_have_text("Page 1 of 12")
    visitor.press("ArrowRight")
    expect(announcer).to_have_text("Page 2 of 12")
    visitor.text_of(2)
    second = visitor.page.get_by_role("article", name="Page 2", exact=True)
    tree = second.aria_snapshot()
    assert tree.count("Page 2") == 1, "the number is said once"
    lines, parts = second.locator(".text-line"), second.locator(".text-part")
    assert parts.count() == lines.count() > 1
    reading.open(visitor, "A picture")
    picture = visitor.page.get_by_role("article", name="Page 1")
    expect(picture).to_contain_text("This page is a picture. It has no text.")


def test_a_passage_is_found_across_the_book_and_across_all_books(
    server: ServerProcess, visit: OpenVisitor, reading: Reading
) -> None:
    visitor = reading.open(visit(server), "First", 5)
    page = visitor.page
    visitor.text_of(5)
    visitor.press("/")
    page.get_by_label("Search in", exact=True).select_option("This book")
    page.get_by_role("searchbox").fill("first paragraph")
    book = f"A book of {reading.client.user_id}"
    expect(page.locator(".hit-chapter")).to_have_text([f"{book} · Second"])
    page.locator(".hit").click()
    expect(page.get_by_role("heading", name="Second", exact=True)).to_be_visible()
    expect(page.locator(".page[data-page='1'] .mark.is-current").first).to_be_in_viewport()
    page.go_back()
    expect(page.get_by_label("Go to page")).to_have_value("5")
    expect(page.locator("#search")).to_be_visible()
    page.goto(f"{server.url}/#/")
    continued = page.locator(".continued-title")
    expect(continued.first).to_have_text("First")  # the other chapter was only looked up
    page.get_by_role("link", name="Search in all books").click()
    visitor.wait("the field", lambda: visitor.focused == "search-all-input")
    page.set_viewport_size({"width": 1280, "height": 300})
    page.keyboard.type("9")  # at the foot of each page
    visitor.press("Enter")
    expect(page.locator("#search-all-count")).to_have_text("12 pages found")
    page.clock.install()
    page.locator("#search-all .hit").nth(10).click()
    expect(page.get_by_label("Go to page")).to_have_value("11")
    match = re.compile("^Match 11 of 12, page 11: ")
    expect(page.locator("#announcer")).to_have_text(match)
    page.clock.run_for(5000)
    expect(page.locator("#announcer")).to_have_text(match)
    expect(page.locator(".page[data-page='11'] .mark.is-current")).to_be_in_viewport()


def test_enter_leads_from_hit_to_hit_through_the_chapters_of_the_book(
    server: ServerProcess, visit: OpenVisitor, reading: Reading
) -> None:
    visitor = reading.open(visit(server), "First", 11)
    page = visitor.page
    said = page.locator("#announcer")
    visitor.press("/")
    page.get_by_label("Search in", exact=True).select_option("This book")
    page.get_by_role("searchbox").fill("page")
    expect(page.locator("#search-count")).to_have_text("13 pages found")
    for number, title in ((11, "First"), (12, "First"), (13, "Second"), (1, "First")):
        visitor.press("Enter")
        expect(said).to_have_text(re.compile(f"^Match {number} of 13, page "))
        expect(page.locator("#reader-title")).to_have_text(title)
        assert visitor.focused == "search-input"
        expect(page.locator(".mark.is-current").first).to_be_in_viewport()
    visitor.press("Shift+Enter")
    expect(page.locator("#reader-title")).to_have_text("Second")


def test_a_search_says_how_many_pages_are_pictures(
    server: ServerProcess, visit: OpenVisitor, reading: Reading
) -> None:
    visitor = reading.open(visit(server), "A picture")
    visitor.wait_for_image(1)
    visitor.press("/")
    visitor.page.get_by_role("searchbox").fill("anything")
    expect(visitor.page.locator("#search-count")).to_have_text("Nothing found.")
    expect(visitor.page.locator("#search-pictures")).to_have_text(
        "1 of 1 pages are pictures and could not be searched."
    )


def test_the_pdf_of_a_chapter_is_downloaded(
    server: ServerProcess, visit: OpenVisitor, reading: Reading
) -> None:
    visitor = reading.open(visit(server), "Second")
    page = visitor.page
    visitor.wait_for_image(1)
    page.get_by_role("button", name="View, print and download").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the PDF").click()
    assert download.value.suggested_filename == "Second.pdf"
    assert download.value.path().read_bytes() == headings_pdf()


def test_contents_labels_and_links_lead_to_pages_and_back(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    own = Reading(server, "Guided reader").add("Guided", guided_pdf(9))
    visitor = own.open(visit(server), "Guided")
    page = visitor.page
    field = page.get_by_label("Go to page")
    visitor.text_of(1)
    links = page.locator(".page[data-page='1'] .page-link")
    assert all(
        re.match("#/|https?:|mailto:", link.get_attribute("href") or "", re.IGNORECASE)
        for link in links.all()
    )
    page.locator(".page[data-page='1'] .page-link[href$='/9']").first.click()
    expect(field).to_have_value("9")
    page.go_back()
    expect(field).to_have_value("1")
    page.get_by_role("button", name="Contents", exact=True).click()
    contents = page.locator("#contents")
    contents.get_by_role("link", name="Chapter 4").click()
    expect(field).to_have_value("4")
    expect(contents.get_by_role("link", name="Chapter 4")).to_have_attribute("aria-current", "true")
    contents.get_by_role("button", name="Pages").click()
    third = contents.get_by_role("link", name="Page iii (number 3)")
    expect(third.locator("img")).to_be_visible()
    third.click()
    expect(field).to_have_value("3")
    expect(page.get_by_role("article", name="Page iii (number 3)")).to_be_visible()
    page.get_by_role("button", name="Read as text").click()
    page.locator(".page[data-page='3'] .flow a[href$='/9']").first.click()
    expect(field).to_have_value("9")
    visitor.press("/")
    page.get_by_role("searchbox").fill("page 3 of 9")
    expect(page.locator(".hit-page", has_text="Page iii (number 3)")).to_be_visible()


def test_a_chapter_that_is_a_part_of_a_pdf_says_so_and_has_the_printed_page_numbers(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    own = Reading(server, "Reader of parts")
    own.add("Preface", guided_pdf(9), first_page=1, last_page=3)
    own.add("Chapter 4", guided_pdf(9), first_page=4, last_page=9)
    visitor = own.open(visit(server), "Chapter 4")
    page = visitor.page
    visitor.text_of(1)
    page.get_by_label("Go to page").fill("a-9")
    visitor.press("Enter")
    expect(page.get_by_label("Go to page")).to_have_value("3")
    page.get_by_role("button", name="Contents", exact=True).click()
    links = page.locator("#contents").get_by_role("link")
    expect(links).to_have_text(["Preface", "Chapter 4", re.compile("^Chapter 7A-10"), "A-12"])
    page.get_by_role("button", name="View, print and download").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the whole PDF (9 pages)").click()
    assert download.value.path().read_bytes() == guided_pdf(9)


def test_columns_of_japanese_are_selected_and_marked_where_they_stand_in_full_screen_too(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    columns = ("日本語の文章", "縦書きです")
    own = Reading(server, "Reader of Japanese")
    own.add("Tategaki", japanese_pdf(*columns, is_vertical=True))
    visitor = own.open(visit(server), "Tategaki")
    page = visitor.page
    lines = visitor.text_of(1)
    expect(lines).to_have_text(list(columns))
    page.locator("#view-menu-open").click()
    for is_full in (False, True):
        if is_full:
            page.locator("#view-menu-open").click()
            page.get_by_role("button", name="Full screen").click()
            visitor.wait("full screen", lambda: bool(page.evaluate("document.fullscreenElement")))
        else:
            visitor.press("Escape")
        first, second = (lines.nth(index).bounding_box() for index in (0, 1))
        assert first and second
        assert first["x"] > second["x"] + second["width"], "columns go from right to left"
        assert first["height"] > 4 * first["width"]
        page.mouse.move(first["x"] + first["width"] / 2, first["y"] + 1)
        page.mouse.down()
        end = second["y"] + second["height"] - 1
        page.mouse.move(second["x"] + second["width"] / 2, end, steps=8)
        page.mouse.up()
        selected = page.evaluate("getSelection().toString()").split()
        assert selected == list(columns)
    visitor.press("/")
    page.get_by_role("searchbox").fill("縦書き")
    visitor.press("Enter")
    mark, column = (
        page.locator(selector).bounding_box()
        for selector in (".mark.is-current", ".text-line:has-text('縦書き')")
    )
    assert mark and column
    assert abs(mark["x"] - column["x"]) < 3 and abs(mark["y"] - column["y"]) < 3
    assert mark["height"] > 2 * mark["width"]


def test_a_chapter_is_printed_one_page_a_sheet(
    server: ServerProcess, visit: OpenVisitor, reading: Reading
) -> None:
    visitor = reading.open(visit(server), "First", 1)
    page = visitor.page
    visitor.wait_for_image(1)
    # What the browser would print when it is asked to.
    page.evaluate(
        "() => { window.print = () => { window.printed = "
        "document.querySelector('#print-sheets').cloneNode(true); }; }"
    )
    page.get_by_role("button", name="View, print and download").click()
    page.get_by_role("button", name="Print the chapter").click()
    visitor.wait("sheets", lambda: bool(page.evaluate("Boolean(window.printed)")))
    assert page.evaluate("printed.querySelectorAll('img').length") == 12
    page.evaluate("document.querySelector('#print-sheets').replaceWith(printed)")
    assert page_count(page.pdf(format="A4")) == 12
