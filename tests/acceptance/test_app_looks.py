"""The app in its states, wide and narrow, light and dark: axe-core finds no serious problem, and
nothing scrolls sideways.

`screenshots/` keeps a picture of each state, for people to look at.
"""

import os
import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.conftest import StartServer
from tests.support.axe import require_axe, violations
from tests.support.client import Client
from tests.support.held import SLOW
from tests.support.pdfs import BOOK, SHARED, first_pages_of_book, text_pdf
from tests.support.processes import renderers
from tests.support.server import ROOT, ServerProcess
from tests.support.visitor import Visitor
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long_file(100)

SCREENSHOTS = ROOT / "screenshots"
WIDTHS = {"wide": (1280, 800), "narrow": (360, 740), "tiny": (320, 640)}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
ALL = tuple(product(("wide", "narrow"), SCHEMES))
# Each width and each scheme once: axe-core looks at the layout, which depends on the width, and at
# the contrast, which depends on the scheme.
FOR_AXE: tuple[tuple[str, Scheme], ...] = (("wide", "light"), ("narrow", "dark"))
TINY: tuple[tuple[str, Scheme], ...] = (("tiny", "light"),)
NAME = "Linh Trần"


@contextmanager
def visitor_of(browser: Browser, url: str, language: str = "en-GB") -> Iterator[Visitor]:
    require_axe()
    visitor = Visitor(browser, url, language=language)
    yield visitor
    visitor.close()


def look(visitor: Visitor, state: str, combinations: Iterable[tuple[str, Scheme]] = ALL) -> None:
    """Checks the state in each width and scheme, and takes its picture."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page = visitor.page
    problems: dict[str, list[str]] = {}
    for width, scheme in combinations:
        page.set_viewport_size({"width": WIDTHS[width][0], "height": WIDTHS[width][1]})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_timeout(300)  # for the new layout, and for images to be decoded
        name = f"{state}-{width}-{scheme}"
        problems[name] = ["wider than the screen"] if visitor.is_wider_than_screen else []
        if (width, scheme) in FOR_AXE + TINY:
            problems[name] += violations(page)
        page.screenshot(path=SCREENSHOTS / f"{name}.png")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert {name: found for name, found in problems.items() if found} == {}


def wait_for_images(visitor: Visitor) -> None:
    are_there = """() => {
        const images = [...document.querySelectorAll(".page-image")];
        const isThere = (image) => image.complete && image.naturalWidth > 0;
        return images.length > 0 && images.every(isThere);
    }"""
    visitor.wait("images", lambda: bool(visitor.page.evaluate(are_there)))


def test_signed_out(server: ServerProcess, browser: Browser) -> None:
    with visitor_of(browser, server.url) as visitor:
        look(visitor, "signed-out")
        visitor.sign_in(f"{NAME} starts")
        expect(visitor.page.locator("#books-empty")).to_be_visible()
        look(visitor, "empty-library")
    with visitor_of(browser, server.url, language="vi-VN") as visitor:
        look(visitor, "signed-out-vietnamese", combinations=FOR_AXE)
        visitor.page.route("**/shared/dom.js", lambda route: route.abort())
        visitor.page.reload()
        expect(visitor.page.locator("#unavailable-retry")).to_be_visible()
        look(visitor, "unavailable", combinations=FOR_AXE)


def test_uploading(server: ServerProcess, browser: Browser, tmp_path: Path) -> None:
    pdf = tmp_path / "MuPDF explored.pdf"
    pdf.write_bytes((SHARED / BOOK).read_bytes() if SHARED.is_dir() else text_pdf(2000))
    with visitor_of(browser, server.url) as visitor:
        visitor.sign_in(f"{NAME} uploads")
        visitor.choose(pdf)
        expect(visitor.page.locator(".queued[data-state='ready']")).to_be_visible()
        visitor.page.get_by_label("Title of the new book").fill("PDF from the inside")
        look(visitor, "parts")
        visitor.page.get_by_role("button", name="Remove MuPDF explored.pdf").click()
        slow_network(visitor, bytes_per_s=pdf.stat().st_size / 60)
        notes = tmp_path / "notes.txt"
        notes.write_text("not a PDF")
        small = tmp_path / "small.pdf"
        small.write_bytes(text_pdf(2))
        visitor.choose(pdf, notes, small)
        bar = visitor.page.get_by_role("progressbar", name="Upload progress of MuPDF explored.pdf")
        visitor.wait("a tenth of the upload", lambda: bool(bar.evaluate("bar => bar.value > 0.1")))
        look(visitor, "uploading")
        expect(visitor.page).to_have_title(re.compile(r"^\d+%"))
        visitor.page.get_by_role("button", name="Remove MuPDF explored.pdf").click()
        expect(visitor.page.locator(".job")).to_have_count(0)


def test_processing_reading_and_searching(slow: ServerProcess, browser: Browser) -> None:
    client = library_of(slow, NAME, with_book=True)
    with visitor_of(browser, slow.url) as visitor:
        visitor.sign_in(NAME)
        job = half_done_job(visitor, slow, client)
        look(visitor, "processing")
        job.get_by_role("link", name="Read the pages so far").click()
        wait_for_images(visitor)
        visitor.page.locator("#pages").evaluate("pages => pages.scrollTo(0, 0)")
        look(visitor, "reading-while-it-runs")
        visitor.press("Escape")
        job.get_by_role("button", name="Cancel").click()
        visitor.wait_for_state(job, "cancelled")
        visitor.page.locator(".chapter-open").last.click()
        wait_for_images(visitor)
        visitor.page.get_by_label("Go to page").fill("12")
        visitor.press("Enter")
        wait_for_images(visitor)
        look(visitor, "reading")
        visitor.press("/")
        visitor.page.keyboard.type("lorem" if not SHARED.is_dir() else "pixmap")
        expect(visitor.page.locator("#search-count")).to_have_text(
            re.compile(r"^[\d,]+ pages found$|^The first"), timeout=60_000
        )
        visitor.press("Enter", "Enter", "Enter")
        look(visitor, "searching")
        visitor.press("Escape")
        look_at_the_reader(visitor)
    assert client.get("/health").ok


def look_at_the_reader(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("button", name="Contents", exact=True).click()
    look(visitor, "contents", combinations=FOR_AXE)
    page.locator("#contents-thumbnails-tab").click()
    look(visitor, "thumbnails", combinations=FOR_AXE)
    page.locator("#contents-close").click()
    page.locator("#view-menu-open").click()
    look(visitor, "view-menu", combinations=FOR_AXE)
    page.locator("#view-spread").click()
    visitor.press("Escape")
    wait_for_images(visitor)
    look(visitor, "two-pages", combinations=FOR_AXE)
    page.locator("#view-menu-open").click()
    page.locator("#view-spread").click()
    page.locator("#view-night").click()
    visitor.press("Escape")
    look(visitor, "night", combinations=FOR_AXE)
    page.locator("#view-text").click()
    expect(page.locator(".flow").first).to_be_visible()
    look(visitor, "text-at-night", combinations=FOR_AXE)
    page.locator("#view-menu-open").click()
    page.locator("#view-night").click()
    visitor.press("Escape")
    look(visitor, "text", combinations=FOR_AXE)
    look(visitor, "text", combinations=TINY)
    page.goto(f"{visitor.url}/#/search?q=page")
    expect(page.locator("#search-all-count")).to_have_text(re.compile("found|first"))
    look(visitor, "search-in-all-books", combinations=FOR_AXE)


def test_failed(start_server: StartServer, browser: Browser) -> None:
    server = start_server(SLOW).wait_until_ready()
    client = library_of(server, NAME)
    with visitor_of(browser, server.url) as visitor:
        visitor.sign_in(NAME)
        job = half_done_job(visitor, server, client)
        server.kill()
        expect(job).to_contain_text("Lost contact with the server", timeout=60_000)
        look(visitor, "waiting")
        server.start()
        visitor.wait_for_state(job, "failed")
        look(visitor, "failed")


def test_the_library_and_the_question_before_deleting(
    server: ServerProcess, browser: Browser
) -> None:
    client = library_of(server, f"{NAME} reads", with_book=True)
    chapters = client.get(f"/api/v1/books/{client.book_id}/chapters").json()["chapters"]
    place = f"/api/v1/books/{client.book_id}/chapters/{chapters[-1]['chapter_id']}/position"
    assert client.request("PUT", place, json={"page_number": 5}).status_code == 204
    with visitor_of(browser, server.url) as visitor:
        visitor.sign_in(client.user_id)
        expect(visitor.page.locator(".book .cover-image img")).to_be_visible()
        look(visitor, "library", combinations=ALL + TINY)
        visitor.page.get_by_role("button", name="Edit A short introduction").click()
        look(visitor, "editing", combinations=FOR_AXE)
        visitor.page.get_by_role("button", name="Delete …").click()
        look(visitor, "deleting", combinations=FOR_AXE)
        visitor.press("Escape")
        visitor.page.get_by_role("button", name="Tiếng Việt").click()
        expect(visitor.page.get_by_role("heading", name="Thư viện của bạn")).to_be_visible()
        expect(visitor.page.locator(".book .cover-image img")).to_be_visible()
        look(visitor, "library-vietnamese", combinations=FOR_AXE + TINY)
        visitor.page.locator(".chapter-open").first.click()
        wait_for_images(visitor)
        visitor.press("/")
        visitor.page.keyboard.type("page 1")
        expect(visitor.page.locator("#search-count")).to_have_text(re.compile("^Tìm thấy"))
        look(visitor, "reader-vietnamese", combinations=FOR_AXE + TINY)


def library_of(server: ServerProcess, name: str, with_book: bool = False) -> Client:
    """A user who has read before: one chapter, and one of a real book if this machine has it.

    It has 40 pages: axe-core takes longer the more there are.
    """
    client = Client(server.url, name)
    chapters = {"A short introduction": text_pdf(12)}
    if with_book and SHARED.is_dir():
        chapters["MuPDF explored"] = first_pages_of_book(40)
    for index, (title, pdf) in enumerate(chapters.items()):
        job = client.end_of(client.submit(pdf, title=title, order_index=index))
        assert job["status"] == "completed"
    return client


def half_done_job(visitor: Visitor, server: ServerProcess, client: Client) -> Locator:
    """A job that stands still after some pages, so that the app can tell its pace."""
    [renderer] = renderers(server, "renderer")
    pdf = (SHARED / BOOK).read_bytes() if SHARED.is_dir() else text_pdf(600)
    job = visitor.submit(pdf, title="MuPDF explored, second edition")
    bar, seen = job.locator("progress"), 30
    for _ in range(2):
        os.kill(renderer, signal.SIGCONT)
        wait_until(lambda: newest_progress(client) >= seen + 5, 60, "progress", 0.02)
        os.kill(renderer, signal.SIGSTOP)
        visitor.wait("progress in the app", lambda: progress_of(bar) >= seen + 5)
        seen = progress_of(bar)
    visitor.wait("a guess of the time left", lambda: "left" in job.inner_text())
    return job


def progress_of(bar: Locator) -> int:
    return int(bar.evaluate("bar => bar.value"))


def newest_progress(client: Client) -> int:
    return int(client.get("/api/v1/books/jobs?limit=1").json()["jobs"][0]["progress"])


def slow_network(visitor: Visitor, bytes_per_s: float) -> None:
    session = visitor.context.new_cdp_session(visitor.page)
    session.send("Network.enable")
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1}
    session.send(
        "Network.emulateNetworkConditions", {**conditions, "uploadThroughput": bytes_per_s}
    )
