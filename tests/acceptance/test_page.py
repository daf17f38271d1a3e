"""The page at `/`: what a person can do with it, in a real browser against the real server."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from tests.conftest import StartServer
from tests.support import processes
from tests.support.client import Client
from tests.support.pdfs import BOOK, SHARED, encrypted_pdf, stuck_pdf, text_pdf
from tests.support.server import ServerProcess
from tests.support.visitor import Visitor
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long_file

# One process renders, so that a page that takes hours holds up its job alone and for good.
SLOW = {"rendering.processes": 1, "rendering.page_timeout_s": 600, "jobs.shutdown_grace_s": 1}

# Of nine pages before one that takes hours; the last few of them may be rendered and not yet reported.
SOME_PAGES = re.compile(r"\b[1-9] of 25 pages")

OpenVisitor = Callable[..., Visitor]


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("slow"), SLOW).start().wait_until_ready()
    yield server
    assert server.stop() == 0


@pytest.fixture
def visit(browser: Browser) -> Iterator[OpenVisitor]:
    """Opens the page for somebody new; at the end it must have done nothing that a browser complains of."""
    visitors: list[Visitor] = []

    def open_(server: ServerProcess, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, server.url, **options))
        return visitors[-1]

    yield open_
    for visitor in visitors:
        visitor.close()


def progress_of(job: Locator) -> float:
    return float(job.get_by_role("progressbar").evaluate("bar => bar.value"))


def text_is_there(visitor: Visitor, number: int) -> Locator:
    """The text layer of a page, once it is in place."""
    words = visitor.page.locator(f".page[data-page='{number}'] .text-word")
    expect(words.first).to_be_attached(timeout=60_000)
    return words


def test_a_pdf_is_uploaded_and_read(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server).sign_in("Alice of the page")
    visitor.choose(text_pdf(12), "My_first  book.pdf")
    expect(visitor.page.get_by_label("Title of the chapter")).to_have_value("My first book")
    job = visitor.submit(text_pdf(12), title="Lorem ipsum", book="Latin")
    visitor.wait_for_state(job, "completed")
    expect(job).to_contain_text("12 pages")
    expect(visitor.page.locator(".book", has_text="Latin")).to_contain_text("Lorem ipsum")
    job.get_by_role("link", name="Read the chapter").click()
    expect(visitor.page.get_by_role("heading", name="Lorem ipsum")).to_be_visible()
    image = visitor.page.locator(".page[data-page='1'] img")
    visitor.wait("image", lambda: bool(image.evaluate("img => img.complete && img.naturalWidth > 1000")))
    expect(visitor.page).to_have_title("Lorem ipsum · WordAI Books")


@pytest.mark.needs_shared_pdfs
def test_a_real_book_is_read_lazily(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server).sign_in("Reader of a book")
    job = visitor.submit(SHARED / BOOK, title="MuPDF explored")
    visitor.wait_for_state(job, "completed")
    job.get_by_role("link", name="Read the chapter").click()
    text_is_there(visitor, 1)
    assert visitor.page.locator(".page").count() == 285
    visitor.page.get_by_label("Go to page").fill("200")
    visitor.press("Enter")
    text_is_there(visitor, 200)
    assert visitor.page.locator(".page img").count() < 20, "pages far away hold no image"
    visitor.wait("page in the address", lambda: visitor.page.url.endswith("/200"))
    visitor.page.reload()
    text_is_there(visitor, 200)
    expect(visitor.page.get_by_label("Go to page")).to_have_value("200")


def test_text_is_selected_over_the_image_where_it_stands(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = open_chapter(server, visit, pages=3)
    words = text_is_there(visitor, 1)
    box = words.nth(0).bounding_box()
    assert box
    visitor.page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert visitor.page.evaluate("getSelection().toString().trim()") == "page"
    visitor.page.evaluate("getSelection().removeAllRanges()")  # or the mouse would drag what is selected
    last = words.nth(3).bounding_box()
    assert last
    middle = box["y"] + box["height"] / 2
    visitor.page.mouse.move(box["x"] + 1, middle)
    visitor.page.mouse.down()
    visitor.page.mouse.move(last["x"] + last["width"] - 1, middle, steps=5)
    visitor.page.mouse.up()
    assert visitor.page.evaluate("getSelection().toString().trim()") == "page 1 of 3"


def test_copied_lines_read_as_they_stand(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = open_chapter(server, visit, pages=1)
    text_is_there(visitor, 1)
    visitor.page.evaluate("getSelection().selectAllChildren(document.querySelector('.text-layer'))")
    lines = visitor.page.evaluate("getSelection().toString()").strip().splitlines()
    assert lines[0].strip() == "page 1 of 1"
    assert [line.strip() for line in lines if line.strip()][1].startswith("line 0 lorem ipsum dolor lorem")


def test_words_are_found_and_shown_in_their_place(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = open_chapter(server, visit, pages=12)
    page = visitor.page
    visitor.press("/")
    page.keyboard.type("PÀGE 7")
    hit = page.locator(".hit")
    expect(hit).to_have_count(1)
    expect(page.locator("#search-count")).to_have_text("1 match")
    expect(hit).to_contain_text("Page 7")
    visitor.press("Enter")
    mark = page.locator(".page[data-page='7'] .mark.is-current").first
    expect(mark).to_be_in_viewport()
    word = text_is_there(visitor, 7).nth(0)
    mark_box, word_box = mark.bounding_box(), word.bounding_box()
    assert mark_box and word_box
    assert abs(mark_box["x"] - word_box["x"]) < 3 and abs(mark_box["y"] - word_box["y"]) < 3
    page.get_by_role("searchbox").fill("lorem")
    expect(page.locator("#search-count")).to_have_text("480 matches")
    page.get_by_role("searchbox").fill("no such words")
    expect(page.locator("#search-count")).to_contain_text("Nothing found")
    visitor.press("Escape")
    expect(page.locator("#search")).to_be_hidden()
    expect(page.locator(".mark")).to_have_count(0)


def test_pages_grow_and_fit_again_and_the_place_is_kept(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = open_chapter(server, visit, pages=12)
    third = visitor.page.locator(".page[data-page='3']")
    visitor.page.get_by_label("Go to page").fill("3")
    visitor.press("Enter")
    fit = third.evaluate("it => it.clientWidth")
    visitor.press("+", "+")
    assert third.evaluate("it => it.clientWidth") == pytest.approx(fit * 1.5625, abs=2)
    expect(visitor.page.get_by_label("Go to page")).to_have_value("3")
    image, layer = third.locator("img"), third.locator(".text-layer")
    scale = image.evaluate("it => it.clientWidth / it.naturalWidth")
    assert layer.evaluate("it => new DOMMatrix(getComputedStyle(it).transform).a") == pytest.approx(scale, rel=0.01)
    visitor.press("0")
    assert third.evaluate("it => it.clientWidth") == fit
    visitor.press("-")
    assert third.evaluate("it => it.clientWidth") < fit
    expect(visitor.page.get_by_label("Go to page")).to_have_value("3")


def test_pages_are_read_while_the_job_still_runs_and_the_job_is_cancelled(slow: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(slow).sign_in("Impatient reader")
    job = visitor.submit(stuck_pdf(9, 24), title="Not ready yet")
    processes.freeze_the_busy_renderer(slow.pid)
    visitor.wait("first page", lambda: progress_of(job) > 30)
    expect(job).to_contain_text(SOME_PAGES)
    job.get_by_role("link", name="Read what is there").click()
    expect(visitor.page.locator("#reader-status")).to_contain_text(SOME_PAGES)
    image = visitor.page.locator(".page[data-page='1'] img")
    visitor.wait("image", lambda: bool(image.evaluate("img => img.complete && img.naturalWidth > 1000")))
    assert visitor.page.locator(".page").count() == 25
    assert 16 <= visitor.page.locator(".page.is-coming").count() < 25
    visitor.press("Escape")
    job.get_by_role("button", name="Cancel").click()
    visitor.wait_for_state(job, "cancelled")
    expect(job).to_contain_text("You cancelled it.")
    expect(job.get_by_role("button", name="Try again")).to_be_visible()


def test_new_pages_appear_without_moving_what_is_read_and_the_chapter_takes_over(
    slow: ServerProcess, visit: OpenVisitor,
) -> None:
    visitor = visit(slow).sign_in("Patient reader")
    with standing_still(visitor, slow):
        job = visitor.submit(text_pdf(60), title="Coming up")
        job_id = job.get_attribute("data-job-id")
        visitor.page.goto(f"{slow.url}/#/jobs/{job_id}")
        expect(visitor.page.locator("#reader-status")).to_contain_text("The first pages will appear")
    text_is_there(visitor, 1)
    expect(visitor.page.locator("#reader-status")).to_be_hidden()
    assert visitor.page.locator(".page.is-coming").count() == 0
    visitor.wait("the chapter's own address", lambda: "#/books/" in visitor.page.url)
    expect(visitor.page.get_by_role("heading", name="Coming up")).to_be_visible()


def test_a_server_that_dies_is_waited_for_and_its_job_is_tried_again(
    start_server: StartServer, visit: OpenVisitor,
) -> None:
    server = start_server(SLOW).wait_until_ready()
    visitor = visit(server).sign_in("Unlucky user")
    with standing_still(visitor, server):
        job = visitor.submit(text_pdf(30), title="Struck by lightning")
        visitor.wait("start", lambda: job.get_attribute("data-state") == "processing")
        server.kill()
    expect(job).to_contain_text("Still waiting for it", timeout=60_000)
    expect(visitor.page.locator(".error:visible")).to_have_count(0)
    server.start()
    visitor.wait_for_state(job, "failed")
    expect(job).to_contain_text("The server restarted while it worked on this")
    expect(job).not_to_contain_text("Still waiting")
    job.get_by_role("button", name="Try again").click()
    again = visitor.page.locator(".job[data-state='completed']")
    expect(again).to_have_count(1, timeout=60_000)
    expect(again).to_contain_text("Struck by lightning")


def test_a_restart_in_order_is_no_more_than_a_pause(start_server: StartServer, visit: OpenVisitor) -> None:
    server = start_server({**SLOW, "jobs.shutdown_grace_s": 60}).wait_until_ready()
    visitor = visit(server).sign_in("Unaware user")
    with standing_still(visitor, server):
        job = visitor.submit(text_pdf(30), title="Finished all the same")
        assert server.process
        server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    server.start()
    visitor.wait_for_state(job, "completed")
    expect(job).not_to_contain_text("Still waiting")
    expect(visitor.page.locator(".error:visible")).to_have_count(0)
    job.get_by_role("link").click()
    text_is_there(visitor, 1)


def test_who_reads_when_the_job_fails_is_told_and_tries_again_from_there(
    start_server: StartServer, visit: OpenVisitor,
) -> None:
    server = start_server(SLOW).wait_until_ready()
    visitor = visit(server).sign_in("Interrupted reader")
    job = visitor.submit(stuck_pdf(9, 24), title="Interrupted")
    processes.freeze_the_busy_renderer(server.pid)
    visitor.wait("first page", lambda: progress_of(job) > 30)
    job.get_by_role("link", name="Read what is there").click()
    status = visitor.page.locator("#reader-status")
    expect(status).to_contain_text(SOME_PAGES)
    address = visitor.page.url
    server.kill()
    expect(status).to_contain_text("Still waiting for it", timeout=60_000)
    server.start()
    expect(status).to_contain_text("The server restarted while it worked on this", timeout=60_000)
    status.get_by_role("button", name="Try again").click()
    visitor.wait("the new job's address", lambda: visitor.page.url != address)
    expect(status).to_contain_text(SOME_PAGES, timeout=60_000)
    expect(visitor.page.get_by_role("heading", name="Interrupted")).to_be_visible()


def test_jobs_and_books_are_there_after_a_reload_and_to_the_end_of_the_list(
    server: ServerProcess, visit: OpenVisitor,
) -> None:
    client = Client(server.url, "Diligent user")
    file_id = client.upload(text_pdf(1)).json()["file_id"]
    ids = [client.enqueue(file_id, title=f"Chapter {number}", order_index=number).json()["job_id"] for number in range(20)]
    for job_id in ids:
        client.end_of(job_id)
    ids.append(client.enqueue(file_id, title="The last").json()["job_id"])
    client.end_of(ids[-1])
    visitor = visit(server).sign_in("Diligent user")
    expect(visitor.page.locator(".job")).to_have_count(20)
    visitor.page.get_by_role("button", name="Show more").click()
    expect(visitor.page.locator(".job")).to_have_count(21)
    expect(visitor.page.get_by_role("button", name="Show more")).to_be_hidden()
    shown = visitor.page.locator(".job").evaluate_all("jobs => jobs.map((job) => job.dataset.jobId)")
    assert shown == ids[::-1]
    expect(visitor.page.locator(".chapter")).to_have_count(21)
    visitor.page.reload()
    expect(visitor.page.locator(".job").first).to_contain_text("The last")
    expect(visitor.page.locator("#account-name")).to_have_text("Diligent user")


def test_a_chapter_is_deleted_after_a_question(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server).sign_in("Tidy user")
    visitor.wait_for_state(visitor.submit(text_pdf(1), title="Away with it"), "completed")
    chapter = visitor.page.locator(".chapter", has_text="Away with it")
    chapter.get_by_role("button", name="Delete Away with it").click()
    expect(visitor.page.get_by_role("dialog")).to_contain_text("Away with it")
    visitor.press("Escape")
    expect(chapter).to_be_visible()
    chapter.get_by_role("button").click()
    visitor.page.get_by_role("button", name="Delete", exact=True).click()
    expect(chapter).to_have_count(0)
    expect(visitor.page.locator(".book")).to_contain_text("No chapter yet")


def test_the_page_is_used_with_the_keyboard_alone(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server)
    page = visitor.page
    visitor.tab_to("dev-name")
    page.keyboard.type("Keyboard user")
    visitor.press("Enter")
    expect(page.locator("#library")).to_be_visible()
    visitor.tab_to("file")
    visitor.choose(text_pdf(12))  # the dialog of the system is not the page's
    assert visitor.focused == "upload-submit"
    visitor.press("Shift+Tab", "Shift+Tab")
    assert visitor.focused == "new-book"
    page.keyboard.type("Keys")
    visitor.press("Enter")
    job = page.locator(".job")
    visitor.wait_for_state(job, "completed")
    assert visitor.focused == "jobs-title"
    visitor.tab_to("job-read")
    visitor.press("Enter")
    text_is_there(visitor, 1)
    number = page.get_by_label("Go to page")
    for key, expected in (("ArrowRight", "2"), ("ArrowRight", "3"), ("ArrowLeft", "2"), ("End", "12"), ("Home", "1")):
        visitor.press(key)
        expect(number).to_have_value(expected)
    before = page.locator("#pages").evaluate("it => it.scrollTop")
    visitor.press("PageDown")
    visitor.wait("scroll", lambda: page.locator("#pages").evaluate("it => it.scrollTop") > before)
    visitor.press("Control+f")
    assert visitor.focused == "search-input"
    visitor.press("Escape")
    assert visitor.focused == "search-open"
    visitor.press("Escape")
    expect(page.locator("#library")).to_be_visible()
    assert visitor.focused == "library-title"


def test_the_page_speaks_vietnamese_to_those_who_do(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server, language="vi-VN")
    page = visitor.page
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    page.get_by_label("Tên của bạn").fill("Nguyễn")
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("heading", name="Chương mới")).to_be_visible()
    visitor.choose(text_pdf(2), "Bài_giảng.pdf")
    page.get_by_label("Tên sách mới").fill("Toán")
    page.get_by_role("button", name="Tải lên", exact=True).click()
    job = page.locator(".job")
    visitor.wait_for_state(job, "completed")
    expect(job).to_contain_text("2 trang")
    expect(job.get_by_role("link", name="Đọc chương: Bài giảng")).to_be_visible()


def test_what_cannot_be_uploaded_is_said_in_words(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server).sign_in("Careless user")
    error = visitor.page.locator("#upload-error")
    visitor.choose(b"hello", "notes.txt")
    assert error.is_hidden(), "the browser was told that it is a PDF, so the server has to say"
    visitor.page.get_by_label("Title of the new book").fill("Secrets")
    visitor.page.get_by_role("button", name="Upload", exact=True).click()
    expect(error).to_contain_text("PDF")
    visitor.choose(encrypted_pdf(), "secret.pdf")
    expect(error).to_be_hidden()
    visitor.page.get_by_role("button", name="Upload", exact=True).click()
    expect(error).to_have_text("PDF is password protected")
    visitor.page.get_by_label("Title of the chapter").fill("  ")
    visitor.page.get_by_role("button", name="Upload", exact=True).click()
    expect(error).to_have_text("Give the chapter a title.")
    assert visitor.focused == "chapter-title"
    visitor.page.locator("#file").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"})
    expect(error).to_have_text("a.txt is not a PDF.")


def test_a_pdf_is_dropped_anywhere_on_the_page(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server).sign_in("Dropping user")
    visitor.page.evaluate("""bytes => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([new Uint8Array(bytes)], "dropped.pdf", {type: "application/pdf"}));
        for (const type of ["dragover", "drop"]) {
            document.querySelector("#jobs-title").dispatchEvent(
                new DragEvent(type, {dataTransfer, bubbles: true, cancelable: true}));
        }
    }""", list(text_pdf(1)))
    expect(visitor.page.locator("#file-name")).to_have_text("dropped.pdf")
    expect(visitor.page.get_by_label("Title of the chapter")).to_have_value("dropped")


def test_titles_are_text_whatever_stands_in_them(server: ServerProcess, visit: OpenVisitor) -> None:
    hostile = "<img src=x onerror=\"document.title='hacked'\"><script>alert(1)</script>{title}"
    visitor = visit(server).sign_in("Hostile <b>user</b>")
    job = visitor.submit(text_pdf(1), title=hostile, book=hostile)
    visitor.wait_for_state(job, "completed")
    expect(job.get_by_role("heading")).to_have_text(hostile)
    expect(visitor.page.locator(".book-title")).to_have_text(hostile)
    job.get_by_role("link").click()
    expect(visitor.page.locator("#reader-title")).to_have_text(hostile)
    assert visitor.page.locator("img[src='x'], main script").count() == 0


def test_who_is_no_longer_signed_in_is_told_and_comes_back_to_the_same_place(
    server: ServerProcess, visit: OpenVisitor,
) -> None:
    visitor = open_chapter(server, visit, pages=2, name="Sleepy user")
    visitor.page.evaluate("localStorage.setItem('wordai.session', JSON.stringify({name: 'Sleepy user', token: 'old'}))")
    visitor.page.reload()
    expect(visitor.page.get_by_role("alert")).to_contain_text("your session ended")
    visitor.page.get_by_label("Your name").fill("Sleepy user")
    visitor.press("Enter")
    text_is_there(visitor, 1)


def test_signing_out_leaves_nothing_for_the_next(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server).sign_in("First user")
    visitor.wait_for_state(visitor.submit(text_pdf(1), title="Private"), "completed")
    visitor.page.get_by_role("button", name="Sign out").click()
    expect(visitor.page.get_by_label("Your name")).to_be_visible()
    assert visitor.page.evaluate("Object.values(localStorage).join()") == ""
    visitor.sign_in("Second user")
    expect(visitor.page.locator("#jobs-empty")).to_be_visible()
    expect(visitor.page.get_by_text("Private")).to_have_count(0)


def test_a_deleted_chapter_is_said_to_be_gone(server: ServerProcess, visit: OpenVisitor) -> None:
    client = Client(server.url, "Forgetful user")
    job = client.end_of(client.submit(text_pdf(1)))
    client.request("DELETE", f"/api/v1/books/{client.book_id}/chapters/{job['result']['chapter_id']}")
    visitor = visit(server).sign_in("Forgetful user")
    visitor.page.locator(".job").get_by_role("link").click()
    expect(visitor.page.locator("#reader-status-text")).to_have_text("This chapter is no longer there.")


def test_pages_are_scrolled_and_controls_tapped_by_touch(server: ServerProcess, visit: OpenVisitor) -> None:
    name = "Touching reader"
    client = Client(server.url, name)
    job = client.end_of(client.submit(text_pdf(12)))
    visitor = visit(server, width=360, height=740, touch=True).sign_in(name)
    visitor.page.locator(".job").get_by_role("link").tap()
    assert job["status"] == "completed"
    text_is_there(visitor, 1)
    visitor.page.get_by_role("button", name="Larger").tap()
    expect(visitor.page.locator("#zoom-reset")).to_have_text("125%")
    visitor.swipe_up(from_y=600, to_y=200)
    expect(visitor.page.get_by_label("Go to page")).not_to_have_value("1")
    assert not visitor.is_wider_than_screen, "only the pages scroll sideways"
    assert "maximum-scale" not in visitor.page.locator("meta[name=viewport]").evaluate("it => it.content")


def test_images_whose_addresses_have_expired_are_had_anew(server: ServerProcess, visit: OpenVisitor) -> None:
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
    job.get_by_role("link").click()
    image = visitor.page.locator(".page[data-page='1'] img")
    visitor.wait("image", lambda: image.count() == 1 and bool(image.evaluate("img => img.naturalWidth > 1000")))
    assert len(refused) == 2


def test_progress_is_announced_at_every_tenth_and_no_more_often(slow: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(slow).sign_in("Listener")
    visitor.page.evaluate("""() => {
        window.said = [];
        const region = document.querySelector("#announcer");
        new MutationObserver(() => said.push(region.textContent)).observe(region, {childList: true, characterData: true});
    }""")
    with standing_still(visitor, slow):
        job = visitor.submit(text_pdf(60), title="Spoken")
    visitor.wait_for_state(job, "completed")
    said: list[str] = visitor.page.evaluate("said")
    assert said[0] == "Uploaded. The pages are being made." and said[-1] == "Spoken is ready to read"
    assert len(said) <= 12 and len(said) == len(set(said)), said


def test_a_job_that_is_refused_can_be_sent_again_without_choosing_anew(start_server: StartServer, visit: OpenVisitor) -> None:
    server = start_server({**SLOW, "limits.max_active_jobs_per_user": 1}).wait_until_ready()
    visitor = visit(server).sign_in("Greedy user")
    first = visitor.submit(stuck_pdf(9, 24), title="The first")
    processes.freeze_the_busy_renderer(server.pid)
    visitor.choose(text_pdf(1))
    send = visitor.page.get_by_role("button", name="Upload", exact=True)
    send.click()
    expect(visitor.page.locator("#upload-error")).to_have_text("You have 1 job that has not ended, which is the limit")
    first.get_by_role("button", name="Cancel").click()
    visitor.wait_for_state(first, "cancelled")
    send.click()
    visitor.wait_for_state(visitor.page.locator(".job").first, "completed")


def test_a_page_whose_server_is_away_says_so(start_server: StartServer, visit: OpenVisitor) -> None:
    server = start_server().wait_until_ready()
    visitor = visit(server)
    visitor.page.route("**/app-config.json", lambda route: route.abort())
    visitor.page.reload()
    expect(visitor.page.get_by_role("heading", name="The server does not answer")).to_be_visible()
    visitor.page.unroute("**/app-config.json")
    visitor.page.get_by_role("button", name="Try again").click()
    expect(visitor.page.get_by_label("Your name")).to_be_visible()


def open_chapter(server: ServerProcess, visit: OpenVisitor, pages: int, name: str = "") -> Visitor:
    """A visitor who reads a chapter of so many pages, made through the API."""
    name = name or f"Reader of {pages} pages {os.urandom(4).hex()}"
    client = Client(server.url, name)
    job = client.end_of(client.submit(text_pdf(pages), title="Read me"))
    visitor = visit(server).sign_in(name)
    visitor.page.goto(f"{server.url}/#/books/{client.book_id}/{job['result']['chapter_id']}")
    text_is_there(visitor, 1)
    return visitor


@contextmanager
def standing_still(visitor: Visitor, server: ServerProcess) -> Iterator[None]:
    """A job that is begun meanwhile makes no page: the rendering children are stopped once its upload has been checked."""
    stopped: list[int] = []

    def stop_and_go_on(route: Route) -> None:
        stopped.extend(processes.renderers(server))
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: all(processes.is_stopped(pid) for pid in stopped), 10, "the renderers to stop")
        route.continue_()

    visitor.page.route("**/chapters/from-pdf", stop_and_go_on)
    yield
    visitor.page.unroute("**/chapters/from-pdf")
    assert stopped
    for pid in stopped:
        if processes.is_alive(pid):
            os.kill(pid, signal.SIGCONT)
