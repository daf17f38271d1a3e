"""The library in a real browser: several PDFs, chapters of an outline, books and their order."""

import json
import re

import pytest
from playwright.sync_api import Dialog, Route, expect

from tests.acceptance.conftest import OpenVisitor
from tests.support.client import Client
from tests.support.held import standing_still
from tests.support.pdfs import guided_pdf, text_pdf
from tests.support.server import ServerProcess
from tests.support.visitor import Visitor

pytestmark = pytest.mark.long_file(60)


def reader_of(server: ServerProcess, visit: OpenVisitor, name: str) -> tuple[Client, Visitor]:
    """A user with a book of three chapters who has just signed in."""
    client = Client(server.url, name)
    for index, title in enumerate(("One", "Two", "Three")):
        client.end_of(client.submit(text_pdf(3), title=title, order_index=index))
    visitor = visit(server).sign_in(name)
    expect(visitor.page.locator(".chapter")).to_have_count(3)
    return client, visitor


def titles(visitor: Visitor) -> list[str]:
    return visitor.page.locator(".chapter-title").all_inner_texts()


def come_back(visitor: Visitor) -> None:
    """As if the user had been in another tab for a while."""
    visitor.page.clock.fast_forward(5000)
    visitor.page.evaluate("dispatchEvent(new Event('focus'))")


def test_several_pdfs_become_chapters_in_the_natural_order_of_their_names(
    slow: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(slow).sign_in("Teacher")
    page = visitor.page
    files = [
        {"name": f"Physics {number}.pdf", "mimeType": "application/pdf", "buffer": text_pdf(2)}
        for number in (10, 2, 1)
    ]
    page.locator("#file").set_input_files(files)  # type: ignore[arg-type]
    expect(page.locator(".queued-name")).to_have_text(
        ["Physics 1.pdf", "Physics 2.pdf", "Physics 10.pdf"]
    )
    expect(page.get_by_label("Title of the new book")).to_have_value("Physics")
    with standing_still(visitor, slow):
        page.get_by_role("button", name="Add 3 chapters").click()
        expect(page.locator(".job")).to_have_count(3)
        expect(page.locator(".job").first).to_contain_text("in Physics")
        expect(page).to_have_title(re.compile(r"^\d+% · Your library"))
    expect(page.locator(".chapter")).to_have_count(3, timeout=60_000)
    assert titles(visitor) == ["Physics 1", "Physics 2", "Physics 10"]
    expect(page.get_by_text("3 finished")).to_be_visible()
    expect(page.locator(".book .cover-image img")).to_be_visible()


def test_the_chapters_of_an_outline_are_chosen_and_created_with_one_request(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(server).sign_in("Teacher of a textbook")
    page = visitor.page
    visitor.choose(guided_pdf())
    rows = page.locator(".part")
    expect(rows.first).to_be_visible(timeout=60_000)
    chosen = page.locator(".part:has(:checked)")
    count = chosen.count()
    assert count >= 2
    last = rows.last
    last.get_by_role("textbox", name="Last page").fill("9999")
    page.locator("#upload-submit").click()
    expect(page.get_by_role("alert")).to_contain_text("pages between 1 and")
    last.get_by_role("checkbox").uncheck()
    chosen.first.get_by_role("textbox", name="Title").fill("The beginning")
    with page.expect_request("**/from-outline") as request:
        page.locator("#upload-submit").click()
    parts = json.loads(request.value.post_data or "")["parts"]
    assert len(parts) == count - 1 and parts[0]["title"] == "The beginning"


def test_a_pdf_whose_upload_was_interrupted_is_sent_again_and_added(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(server).sign_in("Passenger")
    page = visitor.page
    page.route("**/api/v1/files", lambda route: route.abort("internetdisconnected"))
    visitor.choose(text_pdf(1))
    row = page.locator(".queued")
    expect(row.get_by_role("alert")).to_contain_text("The server cannot be reached")
    expect(row).to_contain_text("It will be uploaded again by itself")
    page.locator("#upload-submit").click()
    expect(row).to_contain_text("Will be added as soon as it is uploaded")
    expect(row.get_by_role("button", name="Upload now")).to_be_visible()
    page.unroute("**/api/v1/files")
    expect(page.locator(".chapter")).to_have_count(1, timeout=60_000)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_reading_goes_on_where_it_has_stopped(server: ServerProcess, visit: OpenVisitor) -> None:
    client, visitor = reader_of(server, visit, "Reader with a break")
    chapter = client.get(f"/api/v1/books/{client.book_id}/chapters").json()["chapters"][1]
    place = f"/api/v1/books/{client.book_id}/chapters/{chapter['chapter_id']}/position"
    assert client.request("PUT", place, json={"page_number": 2}).status_code == 204
    visitor.page.reload()
    card = visitor.page.locator(".continued").get_by_role("link")
    expect(card).to_contain_text("Page 2 of 3")
    expect(visitor.page.locator(".chapter", has_text="Two")).to_contain_text("Page 2 of 3")
    card.click()
    expect(visitor.page.get_by_label("Go to page")).to_have_value("2")
    held: list[Route] = []
    visitor.page.route("**/position", lambda route: held.append(route))
    visitor.press("End", "Escape")
    visitor.wait("the place to be told to the server", lambda: bool(held))
    held[0].continue_()
    expect(card).to_contain_text("Page 3 of 3")


def test_chapters_are_renamed_and_moved_with_keys_and_by_dragging(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    _, visitor = reader_of(server, visit, "Tidy reader")
    page = visitor.page
    page.get_by_role("button", name="Edit Two").click()
    page.get_by_label("Title", exact=True).fill("Deux")
    visitor.press("Enter")
    expect(page.locator(".chapter-title")).to_have_text(["One", "Deux", "Three"])
    page.get_by_role("button", name="Move Deux").focus()
    visitor.press("ArrowUp")
    expect(page.locator(".chapter-title")).to_have_text(["Deux", "One", "Three"])
    expect(page.locator("#announcer")).to_have_text("Deux is now number 1 of 3")
    expect(page.get_by_role("button", name="Move Deux")).to_be_focused()
    handle = page.get_by_role("button", name="Move Deux").bounding_box()
    last = page.locator(".chapter").last.bounding_box()
    assert handle and last
    page.mouse.move(handle["x"] + 5, handle["y"] + 5)
    page.mouse.down()
    page.mouse.move(handle["x"] + 5, last["y"] + last["height"] - 2, steps=4)
    page.mouse.up()
    expect(page.locator(".chapter-title")).to_have_text(["One", "Three", "Deux"])
    expect(page.locator("#announcer")).to_have_text("Deux is now number 3 of 3")
    page.reload()
    expect(page.locator(".chapter-title")).to_have_text(["One", "Three", "Deux"])


def test_a_book_is_renamed_and_deleted_with_its_cards(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    _, visitor = reader_of(server, visit, "Reader of one book")
    page = visitor.page
    page.locator(".book-edit").click()
    field = page.get_by_label("Title", exact=True)
    field.fill(" ")
    visitor.press("Enter")
    expect(field).to_have_accessible_description("Give it a title.")
    field.fill("Toán")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".book-title")).to_have_text("Toán")
    page.get_by_role("button", name="Edit Toán").click()
    page.get_by_role("button", name="Delete …").click()
    expect(page.locator("#confirm")).to_contain_text("with its 3 chapters")
    page.locator("#confirm-yes").click()
    expect(page.locator("#books-empty")).to_be_visible()
    expect(page.locator(".job")).to_have_count(0)


def test_what_another_device_did_appears_on_coming_back(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    client, visitor = reader_of(server, visit, "User of two devices")
    chapters = f"/api/v1/books/{client.book_id}/chapters"
    first = client.get(chapters).json()["chapters"][0]
    assert client.request("DELETE", f"{chapters}/{first['chapter_id']}").status_code == 204
    client.end_of(client.submit(text_pdf(1), title="Four", order_index=4))
    visitor.page.clock.install()
    come_back(visitor)
    expect(visitor.page.locator(".chapter-title")).to_have_text(["Two", "Three", "Four"])


def test_leaving_asks_first_while_a_pdf_has_not_become_a_chapter(
    server: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(server).sign_in("Hasty user")
    page = visitor.page
    visitor.choose(text_pdf(1))
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Stay").click()
    expect(page.locator(".queued")).to_be_visible()
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.close(run_before_unload=True)
    visitor.wait("question", lambda: asked == ["beforeunload"])
    page.get_by_role("button", name="Sign out").click()
    page.locator("#confirm-yes").click()
    expect(page.get_by_label("Your name")).to_be_visible()
