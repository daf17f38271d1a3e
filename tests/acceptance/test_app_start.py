"""How the app starts, changes its language and ends: requests, tabs. In a real browser."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import OpenVisitor
from tests.support.client import Client
from tests.support.pdfs import text_pdf
from tests.support.server import ServerProcess
from tests.support.traffic import Traffic


def requests_of(page: Page, address: str) -> list[str]:
    """The paths that the network is asked for until the page is quiet."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    kept: list[str] = page.evaluate("""performance.getEntriesByType("resource")
        .filter((entry) => entry.transferSize === 0 && entry.decodedBodySize > 0)
        .map((entry) => new URL(entry.name).pathname)""")
    for path in kept:
        if path in asked:
            asked.remove(path)
    return asked


def test_the_first_visit_needs_few_requests_and_the_next_only_what_may_have_changed(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(server, url_to_open="about:blank")
    asked = requests_of(visitor.page, server.url)
    assert 5 < len(asked) <= 12, asked
    visitor.sign_in("Returning user")
    assert visitor.focused == "library-title", "a screen reader goes on from there"
    visitor.page.wait_for_load_state("networkidle")
    again = requests_of(visitor.context.new_page(), server.url)
    assert {path for path in again if not path.startswith("/api/")} == {"/"}, again


def test_a_phone_on_a_slow_network_asks_for_little_and_for_what_is_read_first(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    client = Client(server.url, "Student in a train")
    job = client.end_of(client.submit(text_pdf(40), title="Long"))
    visitor = visit(server, width=360, height=740, touch=True, scale=3, url_to_open="about:blank")
    page = visitor.page
    traffic = Traffic(page)
    page.goto(server.url)
    page.get_by_label("Your name").wait_for()
    assert len(traffic.finished) <= 12 and traffic.kilobytes < 80
    traffic.forget()
    visitor.sign_in(client.user_id)
    expect(page.locator(".chapter")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert traffic.kilobytes < 350, "the app and the library"
    traffic.forget()
    traffic.slow_down()
    page.goto(f"{server.url}/#/books/{client.book_id}/{job['result']['chapter_id']}/1")
    visitor.text_of(1)
    visitor.wait_for_image(1)
    page.wait_for_load_state("networkidle")
    assert not [path for path in traffic.asked if path.startswith("/static/")]
    assert traffic.kilobytes < 120, "a chapter of 40 pages, and three of them"
    traffic.forget()
    page.get_by_label("Go to page").fill("30")
    visitor.press("Enter")
    visitor.wait_for_image(30)
    assert traffic.asked[0].endswith("/pages/30/image") and "dpi=75" in traffic.queries[0]
    first = traffic.finished[0]
    assert first.path.endswith("/pages/30/image") and first.bytes < 50_000
    page.wait_for_load_state("networkidle")
    page.close()
    again = visitor.context.new_page()
    traffic = Traffic(again)
    again.goto(server.url)
    expect(again.locator(".continued")).to_contain_text("Page 30 of 40")
    again.wait_for_load_state("networkidle")
    assert {path for path in traffic.asked if not path.startswith("/api/")} == {"/"}
    assert traffic.kilobytes < 10


@pytest.mark.parametrize(
    "file", ["shared/dom.js", "messages/en.js", "session/dev-session.js"], ids=str
)
def test_a_file_that_cannot_be_loaded_is_told_and_the_app_comes_by_itself_or_on_request(
    server: ServerProcess, visit: OpenVisitor, file: str
) -> None:
    visitor = visit(server, url_to_open="about:blank")
    page = visitor.page
    title = page.get_by_role("heading", name=re.compile("^The server is not responding"))
    for attempt in ("the first", "a reload"):
        page.route(f"**/{file}", lambda route: route.abort("internetdisconnected"))
        page.goto(server.url) if attempt == "the first" else page.reload()
        expect(title).to_be_visible()
        page.unroute(f"**/{file}")
        if attempt == "a reload":
            page.get_by_role("button", name="Try again").click()
        expect(page.get_by_label("Your name")).to_be_visible(timeout=60_000)
    visitor.complaints.clear()


def test_a_reader_whose_files_cannot_be_loaded_comes_by_itself(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    client = Client(server.url, "Reader in a tunnel")
    job = client.end_of(client.submit(text_pdf(1), title="Short"))
    visitor = visit(server).sign_in(client.user_id)
    page = visitor.page
    page.wait_for_load_state("networkidle")
    other = visitor.context.new_page()
    other.route("**/reader/*.js", lambda route: route.abort("internetdisconnected"))
    other.goto(f"{server.url}/#/books/{client.book_id}/{job['result']['chapter_id']}")
    expect(other.get_by_role("heading", name="The server is not responding")).to_be_visible()
    other.unroute("**/reader/*.js")
    expect(other.get_by_role("heading", name="Short")).to_be_visible(timeout=60_000)


def test_the_language_is_switched_and_stays(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server)
    page = visitor.page
    page.get_by_role("button", name="Tiếng Việt").click()
    expect(page.get_by_label("Tên của bạn")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    page.reload()
    page.get_by_label("Tên của bạn").fill("Người đọc")
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.locator("#drop")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_signing_out_and_in_reaches_all_tabs(server: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(server).sign_in("User with two tabs")
    other = visitor.context.new_page()
    other.goto(f"{server.url}/#/books/b/c")
    expect(other.locator("#account-name")).to_have_text("User with two tabs")
    visitor.page.get_by_role("button", name="Sign out").click()
    expect(other.get_by_label("Your name")).to_be_visible()
    assert other.url == f"{server.url}/#/"
    visitor.sign_in("Next user")
    expect(other.locator("#account-name")).to_have_text("Next user")
