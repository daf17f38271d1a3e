"""The text of chapters over HTTP, and searching in it."""

import io
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4

import pymupdf
import pytest
from PIL import Image

from tests.conftest import StartServer
from tests.support.client import Client, Json
from tests.support.ink import ink_in
from tests.support.pdfs import text_pdf
from tests.support.scripts import japanese_pdf, letters_pdf
from tests.support.server import ServerProcess
from wordai_jobs.client import Client as ApiClient
from wordai_jobs.clock import utc_now
from wordai_jobs.database.client import Database
from wordai_jobs.library.books import BookService
from wordai_jobs.library.quota import Quota
from wordai_jobs.library.search import Scope, SearchService
from wordai_jobs.model.book import Book
from wordai_jobs.model.chapter import Chapter
from wordai_jobs.search.query import Query
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.storage import FolderStorage

ARABIC = "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645"
PAGES = (
    letters_pdf("The \ufb01rst of the o\ufb03ces"),
    letters_pdf("It is subser-", "vient to a well-", "known rule"),
    letters_pdf("Tr\u01b0\u1eddng h\u1ecdc", "\u0110\u01b0\u1eddng ph\u1ed1"),
    japanese_pdf("\u65e5\u672c\u8a9e\u306e\u6587\u7ae0", "\u3067\u3059\u3002"),
    letters_pdf(ARABIC, from_right=True),
    japanese_pdf("\u7e26\u66f8\u304d\u3067\u3059", is_vertical=True),
)


def book_pdf() -> bytes:
    with pymupdf.open() as book:
        for page in PAGES:
            with pymupdf.open(stream=page) as document:
                book.insert_pdf(document)
        return bytes(book.tobytes())


@dataclass(frozen=True)
class Library:
    """A user with one chapter that has the text of PAGES."""

    owner: Client
    chapter_id: str

    @property
    def chapter(self) -> str:
        return f"/api/v1/books/{self.owner.book_id}/chapters/{self.chapter_id}"


@pytest.fixture(scope="module")
def library(server: ServerProcess) -> Library:
    owner = Client(server.url, f"reader-{uuid4().hex[:8]}")
    job = owner.end_of(owner.submit(book_pdf()))
    return Library(owner, job["result"]["chapter_id"])


def search(user: Client, q: str, **wanted: str | int) -> list[Json]:
    response = user.get("/api/v1/search", params={"q": q, **wanted})
    assert response.status_code == 200, response.text
    hits: list[Json] = response.json()["hits"]
    return hits


@pytest.mark.parametrize(
    ("q", "page", "boxes"),
    [
        ("first", 1, 1),
        ("office", 1, 1),
        ("offices THE", 1, 3),
        ("subservient", 2, 2),
        ("well-known", 2, 2),
        ("wellknown", 2, 2),
        ("truong", 3, 1),
        ("tr\u01b0\u1eddng", 3, 1),
        ("\u0111\u01b0\u1eddng", 3, 1),
        ("duong", 3, 1),
        ("\u65e5\u672c\u8a9e", 4, 1),
        ("\u7ae0\u3067\u3059", 4, 2),
        (ARABIC.split()[0], 5, 1),
        (ARABIC, 5, 2),
        ("\u66f8\u304d", 6, 1),
    ],
)
def test_words_are_found_on_their_page_with_boxes_on_their_ink(
    library: Library, q: str, page: int, boxes: int
) -> None:
    [hit] = search(library.owner, q)
    assert (hit["book_id"], hit["chapter_id"]) == (library.owner.book_id, library.chapter_id)
    assert hit["page_number"] == page and len(hit["boxes"]) == boxes
    content = library.owner.get(f"{library.chapter}/pages/{page}").json()
    drawn = library.owner.get(f"{library.chapter}/pages/{page}/image").content
    image = Image.open(io.BytesIO(drawn)).convert("L")
    for box in hit["boxes"]:
        x0, y0, x1, y1 = box
        assert ink_in(image, box) > 50
        inside = [w for w in content["words"] if w[0] <= x0 and w[1] <= y0 and w[2] >= x1]
        assert any(w[3] >= y1 for w in inside), "a box is that of a word or a part of one"
    assert hit["excerpt"] in content["text"].replace("\n", " ") or "\u65e5" in hit["excerpt"]


@pytest.mark.parametrize("q", ["ffice", "first subservient", "\u672c\u65e5", "NOT first", "**"])
def test_what_no_page_has_is_not_found(library: Library, q: str) -> None:
    assert search(library.owner, q) == []


def test_one_can_search_in_a_book_or_a_chapter(library: Library, server: ServerProcess) -> None:
    owner = library.owner
    elsewhere = owner.post("/api/v1/books", json={"title": "Another"}).json()["book_id"]
    for scope, expected in (
        ({"book_id": owner.book_id}, 1),
        ({"chapter_id": library.chapter_id}, 1),
        ({"book_id": owner.book_id, "chapter_id": library.chapter_id}, 1),
        ({"book_id": elsewhere}, 0),
    ):
        assert len(search(owner, "first", **scope)) == expected
    for scope, detail in (
        ({"book_id": "none"}, "Book none not found"),
        ({"chapter_id": "none"}, "Chapter none not found"),
        (
            {"book_id": elsewhere, "chapter_id": library.chapter_id},
            f"Chapter {library.chapter_id} not found",
        ),
    ):
        response = owner.get("/api/v1/search", params={"q": "first", **scope})
        assert (response.status_code, response.json()) == (404, {"detail": detail})


def test_another_user_finds_nothing_and_reads_nothing(library: Library, bob: Client) -> None:
    assert search(bob, "first") == []
    cursor = {"cursor": "x"}
    for path, scope in (
        ("/api/v1/search", {"q": "first", "book_id": library.owner.book_id}),
        ("/api/v1/search", {"q": "first", "chapter_id": library.chapter_id}),
        (f"{library.chapter}/text", cursor),
    ):
        response = bob.get(path, params=scope)
        assert response.status_code == 403
        assert response.json() == {"detail": "Access denied to this book"}


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({}, "q"),
        ({"q": ""}, "q"),
        ({"q": " \t "}, "q"),
        ({"q": "x" * 201}, "q"),
        ({"q": "x", "limit": "0"}, "limit"),
        ({"q": "x", "limit": "101"}, "limit"),
        ({"q": "x", "cursor": "x"}, "cursor"),
        ({"q": "x", "cursor": "\u00e9"}, "cursor"),
        ({"q": "x", "cursor": "W10"}, "cursor"),
        ({"q": "x", "cursor": "A" * 2000}, "cursor"),
    ],
    ids=str,
)
def test_what_cannot_be_searched_for_is_refused(
    library: Library, wanted: dict[str, str], field: str
) -> None:
    response = library.owner.get("/api/v1/search", params=wanted)
    assert response.status_code == 422 and response.json()["detail"].startswith(f"{field} ")


def test_hits_come_in_slices_by_book_chapter_and_page(alice: Client) -> None:
    expected: list[tuple[str, str, int]] = []
    for title in ("older", "newer"):
        book = alice.post("/api/v1/books", json={"title": title}).json()["book_id"]
        alice._book_id = book
        file_id = alice.upload(text_pdf(3)).json()["file_id"]
        jobs = [alice.enqueue(file_id, order_index=index).json()["job_id"] for index in (2, 1)]
        chapters = [alice.end_of(job)["result"]["chapter_id"] for job in jobs]
        pages = [(book, chapter, page) for chapter in reversed(chapters) for page in (1, 2, 3)]
        expected = pages + expected
    for limit in (1, 2, 5, 100):
        found: list[tuple[str, str, int]] = []
        cursor = None
        while cursor or not found:
            wanted = {"q": "lorem", "limit": limit, **({"cursor": cursor} if cursor else {})}
            slice_ = alice.get("/api/v1/search", params=wanted).json()
            assert len(slice_["hits"]) <= limit
            found += [
                (hit["book_id"], hit["chapter_id"], hit["page_number"]) for hit in slice_["hits"]
            ]
            cursor = slice_["next_cursor"]
        assert found == expected, limit
    middle = alice.get("/api/v1/search", params={"q": "lorem", "limit": 4}).json()
    book, chapter, _ = expected[3]
    alice.request("DELETE", f"/api/v1/books/{book}/chapters/{chapter}")
    after = search(alice, "lorem", cursor=middle["next_cursor"])
    assert [hit["page_number"] for hit in after] == [1, 2, 3, 1, 2, 3], "its place is still known"


def test_the_text_of_a_chapter_is_plain_or_json_with_whole_words(library: Library) -> None:
    plain = library.owner.get(f"{library.chapter}/text")
    assert plain.headers["Content-Type"] == "text/plain; charset=utf-8"
    pages = [page.removesuffix("\n") for page in plain.content.decode().split("\f")]
    assert pages.pop() == "" and len(pages) == len(PAGES)
    assert pages[:2] == ["The first of the offices", "It is subservient\nto a wellknown\nrule"]
    assert pages[4] == ARABIC and pages[5] == "\u7e26\u66f8\u304d\u3067\u3059"
    as_json = library.owner.get(f"{library.chapter}/text", headers={"Accept": "application/json"})
    assert as_json.headers["Content-Type"] == "application/json"
    assert as_json.json() == {
        "pages": [{"page_number": n, "text": text} for n, text in enumerate(pages, 1)]
    }
    for response, other in ((plain, "application/json"), (as_json, "text/plain")):
        assert "Accept" in response.headers["Vary"]
        # Page by page: a book may have more text than the server has memory.
        assert response.headers["Transfer-Encoding"] == "chunked"
        known = {"If-None-Match": response.headers["ETag"]}
        for accept, status in ((response.headers["Content-Type"], 304), (other, 200)):
            headers = {**known, "Accept": accept}
            again = library.owner.get(f"{library.chapter}/text", headers=headers)
            assert again.status_code == status
    missing = library.owner.get(f"{library.chapter}x/text")
    assert missing.json() == {"detail": f"Chapter {library.chapter_id}x not found"}


def test_an_index_that_is_missing_or_damaged_is_made_again(start_server: StartServer) -> None:
    server = start_server()
    user = Client(server.url, "somebody")
    job = user.end_of(user.submit(text_pdf(3)))
    folder = server.data / "chapters" / job["result"]["chapter_id"]
    index = folder / "search.sqlite"
    whole = index.read_bytes()
    index.unlink()
    assert len(search(user, "lorem")) == 3 and index.read_bytes() == whole
    (folder / "00002.json").write_bytes(b'{"text": 3}')
    index.write_bytes(whole[:5000])
    assert [hit["page_number"] for hit in search(user, "lorem")] == [1, 3], "all that can be read"
    assert f"the index of chapter {folder.name} is bad" in server.log
    for content in (b"{", b"[]", b'{"text": "lorem", "words": [1]}'):
        (folder / "00001.json").write_bytes(content)
        hits = search(user, "lorem")
        assert (hits[0]["excerpt"], hits[0]["boxes"], hits[1]["page_number"]) == ("", [], 3)
    shutil.rmtree(folder)
    assert search(user, "lorem") == [], "a chapter without files does not fail the search"
    assert "Traceback" not in server.log


def test_the_python_client_searches_and_reads_text(library: Library) -> None:
    with ApiClient(library.owner.url, library.owner.token) as client:
        [hit] = client.search("truong", book_id=library.owner.book_id)
        assert hit.page_number == 3 and len(hit.boxes) == 1 and "Tr\u01b0\u1eddng" in hit.excerpt
        found = list(client.search("t", limit=None))
        assert [hit.page_number for hit in found] == [1, 2, 3]
        text = client.text(library.owner.book_id, library.chapter_id)
        assert text[0] == "The first of the offices" and len(text) == len(PAGES)


def test_chapters_with_one_order_index_come_as_they_were_enqueued(
    database: Database, tmp_path: Path
) -> None:
    """As in the list of chapters; the jobs have ended in the opposite order."""
    storage = FolderStorage(DataFolder(tmp_path))
    storage.folder.create()
    now, moment = utc_now(), timedelta(seconds=1)
    database.books.insert(Book("book", "alice", "A book", now, now))
    for number in range(3):
        ended, name = now + (3 - number) * moment, f"chapter-{number}"
        chapter = Chapter(name, "book", "alice", ended, ended, slug=name, total_pages=1)
        (storage.folder.chapters / name).mkdir()
        page = storage.folder.chapters / name / "00001.json"
        page.write_bytes(b'{"text": "lorem", "words": []}')
        database.chapters.insert(replace(chapter, enqueued_at=now + number * moment))
    books = BookService(database, storage, Quota(database, limit_mb=1))
    hits = SearchService(database, storage, books).search(Scope("alice"), Query("lorem"), 9).hits
    listed = books.chapters("book", "alice")
    assert [hit.chapter_id for hit in hits] == [chapter.chapter_id for chapter in listed]
    assert listed[0].chapter_id == "chapter-0"


def test_a_search_that_takes_long_goes_on_in_the_next_slice(
    database: Database, tmp_path: Path
) -> None:
    """In chapters without an index, as older releases have left them; each look at the clock takes
    1.5 s.
    """
    storage = FolderStorage(DataFolder(tmp_path))
    storage.folder.create()
    now = utc_now()
    database.books.insert(Book("book", "alice", "A book", now, now))
    for number in range(4):
        chapter = Chapter(f"chapter-{number}", "book", "alice", now, now, slug=f"slug-{number}")
        folder = storage.folder.chapters / chapter.chapter_id
        folder.mkdir()
        for page in (1, 2):
            (folder / f"0000{page}.json").write_bytes(b'{"text": "lorem", "words": []}')
        database.chapters.insert(replace(chapter, total_pages=2, order_index=number))
    clock = count(0, 1.5)
    books = BookService(database, storage, Quota(database, limit_mb=1))
    service = SearchService(database, storage, books, now_s=lambda: next(clock))
    found: list[tuple[str, int]] = []
    end, slices = None, 0
    while end or not slices:
        hits = service.search(Scope("alice"), Query("lorem"), 100, end)
        found += [(hit.chapter_id, hit.page_number) for hit in hits.hits]
        end, slices = hits.end, slices + 1
    assert found == [(f"chapter-{number}", page) for number in range(4) for page in (1, 2)]
    assert slices > 4
