"""The reader in a real browser: pages, text, search, and jobs that run or fail."""

import json
import os
import re

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.acceptance.conftest import OpenVisitor
from tests.conftest import StartServer
from tests.support import processes
from tests.support.client import Client
from tests.support.held import SLOW, standing_still
from tests.support.pdfs import BOOK, SHARED, stuck_pdf, text_pdf
from tests.support.server import ServerProcess
from tests.support.visitor import Visitor

pytestmark = pytest.mark.long_file(90)

# Nine pages come before one that takes hours. The last few of the nine may be rendered and not yet
# reported.
SOME_PAGES = re.compile(r"[1-9] of 25 pages")


@pytest.mark.needs_shared_pdfs
def test_a_real_book_is_read_lazily(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server).sign_in("Reader of a book")
    job = visitor.submit(SHARED / BOOK, title="MuPDF explored")
    visitor.wait_for_state(job, "completed")
    visitor.read(job)
    visitor.text_of(1)
    assert visitor.page.locator(".page").count() == 285
    visitor.page.get_by_label("Go to page").fill("200")
    visitor.press("Enter")
    visitor.text_of(200)
    assert visitor.page.locator(".page img").count() < 20, "pages far away hold no image"
    visitor.wait("page in the address", lambda: visitor.page.url.endswith("/200"))
    visitor.page.reload()
    visitor.text_of(200)
    expect(visitor.page.get_by_label("Go to page")).to_have_value("200")


def test_text_is_selected_over_the_image_where_it_stands(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = open_chapter(server, visit, pages=3)
    line = visitor.text_of(1).first
    expect(line).to_have_text("page 1 of 3")
    box = line.locator(".text-part").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    visitor.page.mouse.dblclick(box["x"] + 5, middle)
    assert visitor.page.evaluate("getSelection().toString().trim()") == "page"
    # Otherwise the mouse would drag the selection.
    visitor.page.evaluate("getSelection().removeAllRanges()")
    visitor.page.mouse.move(box["x"] + 1, middle)
    visitor.page.mouse.down()
    visitor.page.mouse.move(box["x"] + box["width"] - 1, middle, steps=5)
    visitor.page.mouse.up()
    assert visitor.page.evaluate("getSelection().toString().trim()") == "page 1 of 3"


def test_copied_lines_read_as_they_stand(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = open_chapter(server, visit, pages=1)
    visitor.text_of(1)
    visitor.page.evaluate("getSelection().selectAllChildren(document.querySelector('.text-layer'))")
    lines = visitor.page.evaluate("getSelection().toString()").strip().splitlines()
    assert lines[0].strip() == "page 1 of 1"
    filled = [line.strip() for line in lines if line.strip()]
    assert filled[1].startswith("line 0 lorem ipsum dolor lorem")


def test_words_are_found_and_shown_in_their_place(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = open_chapter(server, visit, pages=12)
    page = visitor.page
    visitor.press("/")
    page.keyboard.type("PÀGE 11")
    hit = page.locator(".hit")
    expect(hit).to_have_count(1)
    expect(page.locator("#search-count")).to_have_text("1 page found")
    expect(hit).to_contain_text("Page 11")
    expect(hit.locator("mark").first).to_have_text("page")
    visitor.press("Enter")
    mark = page.locator(".page[data-page='11'] .mark.is-current").first
    expect(mark).to_be_in_viewport()
    said = page.locator("#announcer")
    expect(said).to_have_text(re.compile("^Match 1 of 1, page 11: page 11 of 12"))
    word = visitor.text_of(11).first
    mark_box, word_box = mark.bounding_box(), word.bounding_box()
    assert mark_box and word_box
    assert abs(mark_box["x"] - word_box["x"]) < 3 and abs(mark_box["y"] - word_box["y"]) < 3
    page.get_by_role("searchbox").fill("lorem")
    expect(page.locator("#search-count")).to_have_text("12 pages found")
    expect(page.locator("#search-pictures")).to_be_hidden()
    page.get_by_role("searchbox").fill("no such words")
    expect(page.locator("#search-count")).to_have_text("Nothing found.")
    visitor.press("Escape")
    expect(page.locator("#search")).to_be_hidden()
    expect(page.locator(".mark")).to_have_count(0)


def test_zooming_keeps_the_place(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = open_chapter(server, visit, pages=12)
    third = visitor.page.locator(".page[data-page='3']")
    visitor.page.get_by_label("Go to page").fill("3")
    visitor.press("Enter")
    fit = third.evaluate("it => it.clientWidth")
    visitor.press("+", "+")
    assert third.evaluate("it => it.clientWidth") == pytest.approx(fit * 1.5625, abs=2)
    expect(visitor.page.get_by_label("Go to page")).to_have_value("3")
    image, layer = third.locator("img"), third.locator(".text-layer")
    image_scale = image.evaluate("it => it.clientWidth / it.naturalWidth")
    layer_scale = layer.evaluate("it => new DOMMatrix(getComputedStyle(it).transform).a")
    assert layer_scale == pytest.approx(image_scale, rel=0.01)
    visitor.press("0")
    fit = third.evaluate("it => it.clientWidth")
    assert fit == visitor.page.locator("#pages").evaluate("it => it.clientWidth") - 32
    visitor.press("-")
    assert third.evaluate("it => it.clientWidth") < fit
    expect(visitor.page.get_by_label("Go to page")).to_have_value("3")


def test_pages_are_read_while_the_job_still_runs_and_the_job_is_cancelled(
    slow: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(slow).sign_in("Impatient reader")
    job = visitor.submit(stuck_pdf(9, 24), title="Not ready yet")
    processes.freeze_the_busy_renderer(slow.pid)
    visitor.wait("first page", lambda: progress_of(job) > 30)
    expect(job).to_contain_text(SOME_PAGES)
    job.get_by_role("link", name="Read the pages so far").click()
    expect(visitor.page.locator("#reader-status")).to_contain_text(SOME_PAGES)
    visitor.wait_for_image(1)
    assert visitor.page.locator(".page").count() == 25
    assert 16 <= visitor.page.locator(".page.is-coming").count() < 25
    visitor.press("Escape")
    job.get_by_role("button", name="Cancel").click()
    visitor.wait_for_state(job, "cancelled")
    expect(job).to_contain_text("You cancelled it.")
    expect(job.get_by_role("button", name="Try again")).to_be_visible()


def test_new_pages_appear_without_moving_what_is_read_and_the_chapter_takes_over(
    slow: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(slow).sign_in("Patient reader")
    with standing_still(visitor, slow):
        job = visitor.submit(text_pdf(60), title="Coming up")
        job_id = job.get_attribute("data-job-id")
        visitor.page.goto(f"{slow.url}/#/jobs/{job_id}")
        status = visitor.page.locator("#reader-status")
        expect(status).to_contain_text("The first pages will appear")
    visitor.text_of(1)
    expect(status).to_be_hidden()
    assert visitor.page.locator(".page.is-coming").count() == 0
    visitor.wait("the chapter's own address", lambda: "#/books/" in visitor.page.url)
    expect(visitor.page.get_by_role("heading", name="Coming up")).to_be_visible()


def test_a_job_that_fails_while_it_is_read_is_retried_from_the_reader(
    start_server: StartServer, visit: OpenVisitor
) -> None:
    server = start_server(SLOW).wait_until_ready()
    visitor = visit(server).sign_in("Interrupted reader")
    job = visitor.submit(stuck_pdf(9, 24), title="Interrupted")
    processes.freeze_the_busy_renderer(server.pid)
    visitor.wait("first page", lambda: progress_of(job) > 30)
    job.get_by_role("link", name="Read the pages so far").click()
    status = visitor.page.locator("#reader-status")
    expect(status).to_contain_text(SOME_PAGES)
    address = visitor.page.url
    server.kill()
    # It depends on what the app asks for first: the state of the job, or pages of it.
    lost = visitor.page.locator("#reader-status, #reader-lost")
    said = re.compile("Lost contact with the server|Pages cannot be loaded right now")
    expect(lost.filter(has_text=said, visible=True).first).to_be_visible(timeout=60_000)
    server.start()
    expect(status).to_contain_text("The server restarted while working on this", timeout=60_000)
    status.get_by_role("button", name="Try again").click()
    visitor.wait("the new job's address", lambda: visitor.page.url != address)
    expect(status).to_contain_text(SOME_PAGES, timeout=60_000)
    expect(visitor.page.get_by_role("heading", name="Interrupted")).to_be_visible()


def test_a_user_whose_session_ended_comes_back_to_the_same_place(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = open_chapter(server, visit, pages=2, name="Sleepy user")
    kept = json.dumps({"name": "Sleepy user", "token": "old"})
    visitor.page.evaluate("kept => localStorage.setItem('wordai.session', kept)", kept)
    visitor.page.reload()
    expect(visitor.page.get_by_role("alert")).to_contain_text("your session ended")
    visitor.page.get_by_label("Your name").fill("Sleepy user")
    visitor.press("Enter")
    visitor.text_of(1)


def test_the_reader_says_that_a_chapter_was_deleted(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    client = Client(server.url, "Forgetful user")
    job = client.end_of(client.submit(text_pdf(1)))
    chapter = f"/api/v1/books/{client.book_id}/chapters/{job['result']['chapter_id']}"
    client.request("DELETE", chapter)
    visitor = visit(server).sign_in("Forgetful user")
    visitor.read(visitor.page.locator(".job"))
    status = visitor.page.locator("#reader-status-text")
    expect(status).to_have_text("This chapter no longer exists.")


def test_pages_are_scrolled_and_controls_tapped_by_touch(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    name = "Touching reader"
    client = Client(server.url, name)
    job = client.end_of(client.submit(text_pdf(12)))
    visitor = visit(server, width=360, height=740, touch=True).sign_in(name)
    visitor.read(visitor.page.locator(".job"))
    assert job["status"] == "completed"
    visitor.text_of(1)
    visitor.page.get_by_role("button", name="Zoom in").tap()
    expect(visitor.page.locator("#zoom-reset")).to_have_text("125%")
    # Far enough to pass the middle of the first page without a fling.
    visitor.swipe_up(from_y=700, to_y=120)
    expect(visitor.page.get_by_label("Go to page")).not_to_have_value("1")
    assert not visitor.is_wider_than_screen, "only the pages scroll sideways"
    viewport = visitor.page.locator("meta[name=viewport]").get_attribute("content")
    assert viewport and "maximum-scale" not in viewport


def test_images_whose_urls_have_expired_are_loaded_again(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(server).sign_in("Returning reader")
    job = visitor.submit(text_pdf(2), title="Kept open for days")
    visitor.wait_for_state(job, "completed")
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if len(refused) < 2:
            refused.append(route.request.url)
            route.fulfill(status=401, json={"detail": "Could not validate credentials"})
        else:
            route.continue_()

    visitor.page.route("**/image?*", refuse_once)
    visitor.read(job)
    visitor.wait_for_image(1)
    assert len(refused) == 2


def test_leaving_right_after_turning_a_page_works(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = open_chapter(server, visit, pages=3)
    page = visitor.page
    # The address changes while the browser is busy: the app does not know that yet when it writes
    # the new page's number into the address.
    page.evaluate("""() => {
        document.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true}));
        setTimeout(() => { location.hash = "#/"; }, 100);
        const end = performance.now() + 500;
        while (performance.now() < end);
    }""")
    expect(page.locator("#library")).to_be_visible()
    expect(page.locator("#reader")).to_be_hidden()
    visitor.wait("address of the library", lambda: page.url.endswith("#/"))


def open_chapter(server: ServerProcess, visit: OpenVisitor, pages: int, name: str = "") -> Visitor:
    """A visitor who reads a chapter of this many pages, created through the API."""
    name = name or f"Reader of {pages} pages {os.urandom(4).hex()}"
    client = Client(server.url, name)
    job = client.end_of(client.submit(text_pdf(pages), title="Read me"))
    visitor = visit(server).sign_in(name)
    visitor.page.goto(f"{server.url}/#/books/{client.book_id}/{job['result']['chapter_id']}")
    visitor.text_of(1)
    return visitor


def progress_of(job: Locator) -> float:
    return float(job.get_by_role("progressbar").evaluate("bar => bar.value"))
