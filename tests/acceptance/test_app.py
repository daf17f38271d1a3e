"""The app at `/` up to the reader: sign in, upload, jobs, books. In a real browser."""

import signal

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import OpenVisitor
from tests.conftest import StartServer
from tests.support import processes
from tests.support.client import Client
from tests.support.held import SLOW, standing_still
from tests.support.pdfs import encrypted_pdf, stuck_pdf, text_pdf
from tests.support.server import ServerProcess

pytestmark = pytest.mark.long_file(90)


def test_a_pdf_is_uploaded_and_read(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server).sign_in("Alice of the page")
    job = visitor.submit(text_pdf(12), title="Lorem ipsum", book="Latin")
    visitor.wait_for_state(job, "completed")
    expect(job).to_contain_text("12 pages")
    expect(visitor.page.locator(".book", has_text="Latin")).to_contain_text("Lorem ipsum")
    visitor.read(job)
    expect(visitor.page.get_by_role("heading", name="Lorem ipsum")).to_be_visible()
    visitor.wait_for_image(1)
    expect(visitor.page).to_have_title("Lorem ipsum · WordAI Books")


def test_titles_are_suggested_and_a_typed_one_of_a_book_is_kept(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(server).sign_in("Choosy user")
    book = visitor.page.get_by_label("Title of the new book")
    chapters = visitor.page.get_by_label("Title of the chapter")
    visitor.choose(text_pdf(1), filename="My_first  book 2.pdf")
    expect(book).to_have_value("My first book 2")
    expect(chapters).to_have_value("My first book 2")
    visitor.choose(text_pdf(1), filename="My_first  book 10.PDF")
    expect(book).to_have_value("My first book")
    book.fill("Latin")
    visitor.choose(text_pdf(1), filename="third.pdf")
    expect(chapters).to_have_count(3)
    expect(chapters.last).to_have_value("third")
    expect(book).to_have_value("Latin")


def test_a_server_that_dies_is_waited_for_and_its_job_is_tried_again(
    start_server: StartServer, visit: OpenVisitor
) -> None:
    server = start_server(SLOW).wait_until_ready()
    visitor = visit(server).sign_in("Unlucky user")
    with standing_still(visitor, server):
        job = visitor.submit(text_pdf(30), title="Struck by lightning")
        visitor.wait("start", lambda: job.get_attribute("data-state") == "processing")
        server.kill()
    expect(job).to_contain_text("Lost contact with the server", timeout=60_000)
    expect(visitor.page.locator(".error:visible")).to_have_count(0)
    server.start()
    visitor.wait_for_state(job, "failed")
    expect(job).to_contain_text("The server restarted while working on this")
    expect(job).not_to_contain_text("Lost contact")
    job.get_by_role("button", name="Try again").click()
    again = visitor.page.locator(".job[data-state='completed']")
    expect(again).to_have_count(1, timeout=60_000)
    expect(again).to_contain_text("Struck by lightning")


def test_a_regular_restart_is_no_more_than_a_pause(
    start_server: StartServer, visit: OpenVisitor
) -> None:
    server = start_server({**SLOW, "jobs.shutdown_grace_s": 60}).wait_until_ready()
    visitor = visit(server).sign_in("Unaware user")
    with standing_still(visitor, server):
        job = visitor.submit(text_pdf(30), title="Finished all the same")
        assert server.process
        server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    server.start()
    visitor.wait_for_state(job, "completed")
    expect(job).not_to_contain_text("Lost contact")
    expect(visitor.page.locator(".error:visible")).to_have_count(0)
    visitor.read(job)
    visitor.text_of(1)


def test_jobs_and_books_are_there_after_a_reload_and_to_the_end_of_the_list(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    client = Client(server.url, "Diligent user")
    file_id = client.upload(text_pdf(1)).json()["file_id"]
    ids = [
        client.enqueue(file_id, title=f"Chapter {number}", order_index=number).json()["job_id"]
        for number in range(20)
    ]
    for job_id in ids:
        client.end_of(job_id)
    ids.append(client.enqueue(file_id, title="The last").json()["job_id"])
    client.end_of(ids[-1])
    visitor = visit(server).sign_in("Diligent user")
    expect(visitor.page.locator(".job")).to_have_count(20)
    expect(visitor.page.locator(".job").first).to_be_hidden()
    visitor.page.get_by_text("20 finished").click()
    visitor.page.get_by_role("button", name="Show more").click()
    expect(visitor.page.locator(".job")).to_have_count(21)
    expect(visitor.page.get_by_role("button", name="Show more")).to_have_count(0)
    job_ids = "jobs => jobs.map((job) => job.dataset.jobId)"
    assert visitor.page.locator(".job").evaluate_all(job_ids) == ids[::-1]
    expect(visitor.page.locator(".chapter")).to_have_count(21)
    visitor.page.reload()
    expect(visitor.page.locator(".job").first).to_contain_text("The last")
    expect(visitor.page.locator("#account-name")).to_have_text("Diligent user")


def test_a_chapter_and_its_card_are_deleted_after_a_question(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(server).sign_in("Tidy user")
    page = visitor.page
    visitor.wait_for_state(visitor.submit(text_pdf(1), title="Away with it"), "completed")
    chapter = page.locator(".chapter", has_text="Away with it")
    chapter.get_by_role("button", name="Edit Away with it").click()
    page.get_by_role("button", name="Delete …").click()
    question = page.locator("#confirm")
    expect(question).to_contain_text("Away with it")
    visitor.press("Escape")
    expect(chapter).to_be_visible()
    chapter.get_by_role("button", name="Edit Away with it").click()
    page.get_by_role("button", name="Delete …").click()
    question.get_by_role("button", name="Delete").click()
    expect(chapter).to_have_count(0)
    expect(page.locator(".book")).to_contain_text("No chapters yet")
    expect(page.locator(".job")).to_have_count(0)


def test_the_app_is_used_with_the_keyboard_alone(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server)
    page = visitor.page
    visitor.tab_to("dev-name")
    page.keyboard.type("Keyboard user")
    visitor.press("Enter")
    expect(page.locator("#library")).to_be_visible()
    visitor.tab_to("file")
    visitor.choose(text_pdf(12))  # the dialog is the system's, not the app's
    visitor.wait("focus", lambda: visitor.focused == "queue-title")
    visitor.tab_to("new-book")
    visitor.press("Control+a")
    page.keyboard.type("Keys")
    visitor.press("Enter")
    job = page.locator(".job")
    visitor.wait_for_state(job, "completed")
    assert visitor.focused == "jobs-title"
    visitor.tab_to("chapter-open")
    visitor.press("Enter")
    visitor.text_of(1)
    number = page.get_by_label("Go to page")
    keys = ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "Home")
    for key, expected in zip(keys, ("2", "3", "2", "12", "1"), strict=True):
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


def test_the_app_speaks_vietnamese(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server, language="vi-VN")
    page = visitor.page
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    page.get_by_label("Tên của bạn").fill("Nguyễn")
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("heading", name="Thư viện của bạn")).to_be_visible()
    visitor.choose(text_pdf(2), filename="Bài_giảng.pdf")
    expect(page.get_by_role("heading", name="Chương mới")).to_be_visible()
    page.get_by_label("Tên sách mới").fill("Toán")
    page.get_by_role("button", name="Thêm 1 chương").click()
    job = page.locator(".job")
    visitor.wait_for_state(job, "completed")
    expect(job).to_contain_text("2 trang")
    page.get_by_text("1 tệp đã xong").click()
    expect(job.get_by_role("link", name="Bài giảng")).to_be_visible()


def test_a_file_that_cannot_be_uploaded_is_explained(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(server).sign_in("Careless user")
    error = visitor.page.locator(".queued .error")
    visitor.choose(b"hello", filename="notes.txt")
    expect(error).to_contain_text("PDF")  # the browser took it for one, the server does not
    visitor.page.get_by_role("button", name="Remove notes.txt").click()
    visitor.choose(encrypted_pdf(), filename="secret.pdf")
    expect(error).to_have_text(
        "This PDF needs a password. Save a copy without one and upload that."
    )
    visitor.choose(text_pdf(1))
    title = visitor.page.get_by_label("Title of the chapter")
    title.fill("  ")
    visitor.page.get_by_role("button", name="Add 1 chapter").click()
    expect(title).to_have_accessible_description("Give the chapter a title.")
    expect(title).to_have_attribute("aria-invalid", "true")
    expect(title).to_be_focused()
    visitor.page.locator("#file").set_input_files(
        {"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"}
    )
    expect(error.last).to_have_text("a.txt is not a PDF.")


def test_a_pdf_is_dropped_anywhere_in_the_app(server: ServerProcess, visit: OpenVisitor) -> None:
    drop = """bytes => {
        const dataTransfer = new DataTransfer();
        const type = "application/pdf";
        dataTransfer.items.add(new File([new Uint8Array(bytes)], "dropped.pdf", {type}));
        for (const event of ["dragover", "drop"]) {
            document.querySelector("#library-title").dispatchEvent(
                new DragEvent(event, {dataTransfer, bubbles: true, cancelable: true}));
        }
    }"""
    visitor = visit(server).sign_in("Dropping user")
    visitor.page.evaluate(drop, list(text_pdf(1)))
    expect(visitor.page.locator(".queued-name")).to_have_text("dropped.pdf")
    expect(visitor.page.get_by_label("Title of the chapter")).to_have_value("dropped")


def test_titles_are_text_whatever_they_contain(server: ServerProcess, visit: OpenVisitor) -> None:
    hostile = "<img src=x onerror=\"document.title='hacked'\"><script>alert(1)</script>{title}"
    visitor = visit(server).sign_in("Hostile <b>user</b>")
    job = visitor.submit(text_pdf(1), title=hostile, book=hostile)
    visitor.wait_for_state(job, "completed")
    expect(job.locator("a")).to_have_text(hostile)
    expect(visitor.page.locator(".book-title")).to_have_text(hostile)
    visitor.read(job)
    expect(visitor.page.locator("#reader-title")).to_have_text(hostile)
    assert visitor.page.locator("img[src='x'], main script").count() == 0


def test_signing_out_leaves_nothing_for_the_next_user(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(server).sign_in("First user")
    visitor.wait_for_state(visitor.submit(text_pdf(1), title="Private"), "completed")
    visitor.page.get_by_role("button", name="Sign out").click()
    expect(visitor.page.get_by_label("Your name")).to_be_visible()
    assert visitor.page.evaluate("Object.values(localStorage).join()") == ""
    visitor.sign_in("Second user")
    expect(visitor.page.locator("#books-empty")).to_be_visible()
    expect(visitor.page.get_by_text("Private")).to_have_count(0)


def test_progress_is_announced_at_every_tenth_and_no_more_often(
    slow: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(slow).sign_in("Listener")
    visitor.page.evaluate("""() => {
        window.said = [];
        const region = document.querySelector("#announcer");
        new MutationObserver(() => said.push(region.textContent))
            .observe(region, {childList: true, characterData: true});
    }""")
    with standing_still(visitor, slow):
        job = visitor.submit(text_pdf(60), title="Spoken")
    visitor.wait_for_state(job, "completed")
    said: list[str] = visitor.page.evaluate("said")
    assert said[:2] == ["my_book.pdf is uploaded: 60 pages.", "Added. The pages are being created."]
    assert said[-1] == "Spoken is ready to read"
    assert len(said) <= 13 and len(said) == len(set(said)), said


def test_an_upload_that_is_refused_can_be_sent_again(
    start_server: StartServer, visit: OpenVisitor
) -> None:
    server = start_server({**SLOW, "limits.max_active_jobs_per_user": 1}).wait_until_ready()
    visitor = visit(server).sign_in("Greedy user")
    first = visitor.submit(stuck_pdf(9, 24), title="The first")
    processes.freeze_the_busy_renderer(server.pid)
    visitor.choose(text_pdf(1))
    send = visitor.page.get_by_role("button", name="Add 1 chapter")
    send.click()
    expect(visitor.page.locator(".queued .error")).to_have_text(
        "You have as many unfinished uploads as you may have. Wait until one has finished."
    )
    first.get_by_role("button", name="Cancel").click()
    visitor.wait_for_state(first, "cancelled")
    send.click()
    visitor.wait_for_state(visitor.page.locator(".job.is-finished"), "completed")


def test_the_app_says_so_if_its_server_is_away(
    start_server: StartServer, visit: OpenVisitor
) -> None:
    server = start_server().wait_until_ready()
    visitor = visit(server)
    visitor.page.route("**/dev-session.js", lambda route: route.abort())
    visitor.page.reload()
    expect(visitor.page.get_by_role("heading", name="The server is not responding")).to_be_visible()
    visitor.page.unroute("**/dev-session.js")
    visitor.page.get_by_role("button", name="Try again").click()
    expect(visitor.page.get_by_label("Your name")).to_be_visible()
