"""Bad input gets the contract's errors, loses nothing, and leaves no file behind."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest
import requests

from tests.support.client import Client
from tests.support.leftovers import check_end, files
from tests.support.pdfs import encrypted_pdf, no_pages_pdf, photo_pdf, text_pdf
from tests.support.server import ServerProcess

ENQUEUE = "/api/v1/books/{book}/chapters/from-pdf"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with small limits, and to itself, so that its files can be counted."""
    settings = {
        "limits.max_upload_mb": 1,
        "rendering.max_pages": 20,
        "cors.origins": ["https://app.example"],
    }
    server = ServerProcess(tmp_path_factory.mktemp("strict"), settings).start().wait_until_ready()
    yield server
    assert server.stop() == 0


@pytest.fixture
def user(strict: ServerProcess) -> Client:
    client = Client(strict.url, f"user-{uuid4().hex[:8]}")
    client.session.headers["Origin"] = "https://app.example"
    return client


@pytest.fixture
def unchanged(strict: ServerProcess) -> Iterator[None]:
    """The test leaves the same files and the same process as before."""
    before, pid = files(strict.data), strict.pid
    yield
    assert files(strict.data) == before
    assert strict.process and strict.process.poll() is None and strict.pid == pid


def check_refused(response: requests.Response, status: int, words: str) -> None:
    assert response.status_code == status, response.text
    assert list(response.json()) == ["detail"] and words in response.json()["detail"], response.text
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert (
        response.headers["X-Request-ID"] and response.headers["Content-Type"] == "application/json"
    )


BAD_PDFS = {
    "empty": (b"", 400, "The file is empty"),
    "a text file": (
        b"Hello, I am a text file with a wrong name.\n" * 40,
        400,
        "The file is not a PDF",
    ),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(500), 400, "The file is not a PDF"),
    "only a header": (b"%PDF-1.7\n", 400, "PDF is damaged and cannot be opened"),
    "a header and garbage": (
        b"%PDF-1.7\n" + bytes(range(256)) * 50,
        400,
        "PDF is damaged and cannot be opened",
    ),
    "no pages": (no_pages_pdf(), 400, "PDF has no pages"),
    "a password": (encrypted_pdf(), 400, "PDF is password protected"),
    "too many pages": (text_pdf(21), 422, "PDF has 21 pages, more than the limit of 20"),
    "too large": (
        text_pdf(1) + bytes(1024 * 1024),
        413,
        "The upload is larger than the limit of 1 MB",
    ),
    "far too large": (bytes(9 * 1024 * 1024), 413, "The upload is larger than the limit of 1 MB"),
}


@pytest.mark.parametrize("name", BAD_PDFS)
@pytest.mark.usefixtures("unchanged")
def test_a_file_that_cannot_become_a_chapter_is_refused_with_the_reason(
    user: Client, name: str
) -> None:
    pdf, status, words = BAD_PDFS[name]
    check_refused(user.upload(pdf, "chapter.pdf"), status, words)
    form = {"file": ("chapter.pdf", pdf, "application/pdf")}
    check_refused(
        user.post(ENQUEUE.format(book=user.book_id), files=form, data={"title": "T"}), status, words
    )


def test_a_pdf_cut_in_half_is_repaired_or_refused_and_never_half_a_chapter(user: Client) -> None:
    whole = text_pdf(12)
    response = user.upload(whole[: len(whole) // 2])
    if response.status_code == 201:
        job = user.end_of(user.enqueue(response.json()["file_id"]).json()["job_id"])
        check_end(user, job)
        assert job["status"] == "completed" or "is damaged and cannot be rendered" in job["error"]
    else:
        check_refused(response, 400, "PDF is damaged and cannot be opened")


@pytest.mark.parametrize(
    "given, shown",
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("/absolute/path.pdf", "path.pdf"),
        ("a" * 296 + ".pdf", "a" * 196 + ".pdf"),
        ("line\u0007break\u0085.pdf", "line break .pdf"),
        ("\u202efdp.exe.pdf", "fdp.exe.pdf"),
        ("..", "document.pdf"),
        ("sách của tôi.pdf", "sách của tôi.pdf"),
    ],
)
def test_a_file_name_is_shown_without_what_could_do_harm(
    user: Client, given: str, shown: str
) -> None:
    file = user.upload(photo_pdf(), given).json()
    assert file["filename"] == shown
    message = user.end_of(user.enqueue(file["file_id"]).json()["job_id"])["message"]
    assert message.startswith("Chapter created")


NO_OBJECTS = [b"[]", b'"text"', b"17", b"null", b"true"]
NO_JSON = [b"", b"{", b"{'title': 'x'}", b'{"title": ', b"\xff\xfe", b"[" * 100_000]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("path", ["/api/v1/books", ENQUEUE, "/dev/token"])
def test_a_body_that_is_no_json_object_is_refused(user: Client, path: str) -> None:
    address = path.format(book=user.book_id)
    for body in NO_OBJECTS:
        check_refused(user.post(address, data=body), 422, "The body must be a JSON object")
    for body in NO_JSON:
        check_refused(user.post(address, data=body), 400, "The body is not valid JSON")


BAD_VALUES: list[Any] = [
    {"$ne": None},
    {"$gt": ""},
    [],
    ["x"],
    None,
    17,
    1.5,
    True,
    "",
    "   ",
    "\u0000",
    "a\u0007b",
    "\ud800",
]
BAD_TITLES = [*BAD_VALUES, "x" * 301]
BAD_FIELDS = {
    "title": BAD_TITLES,
    "file_id": BAD_VALUES[:9],
    "slug": [{"$ne": None}, [], 17, True, "", "Not A Slug", "-x", "x-", "a--b", "../x", "x" * 81],
    "order_index": [{"$ne": None}, [], "1", 1.5, True, None, -1, 2**31, 10**400],
    "parent_id": [{"$ne": None}, [], 17, True, ""],
    "is_published": [{"$ne": None}, [], 0, 1, "true", None],
    "is_preview_free": [{"$ne": None}, [], 0, 1, "false", None],
}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("field", BAD_FIELDS)
def test_a_field_of_a_wrong_type_or_out_of_range_is_named(user: Client, field: str) -> None:
    for value in BAD_FIELDS[field]:
        body = json.dumps({"file_id": "file_1", "title": "T", field: value})
        check_refused(user.post(ENQUEUE.format(book=user.book_id), data=body), 422, f"{field}: ")
    if field == "title":
        for value in BAD_TITLES:
            check_refused(
                user.post("/api/v1/books", data=json.dumps({"title": value})), 422, "title: "
            )
    assert user.get("/api/v1/books/jobs").json() == {"jobs": [], "next_cursor": None}


@pytest.mark.usefixtures("unchanged")
def test_a_missing_field_is_named(user: Client) -> None:
    address = ENQUEUE.format(book=user.book_id)
    check_refused(user.post(address, json={"title": "T"}), 422, "file_id: ")
    check_refused(user.post(address, json={"file_id": "x"}), 422, "title: ")
    check_refused(user.post(address, files={"file": ("a.pdf", photo_pdf())}), 422, "title: ")
    check_refused(
        user.post(address, data={"title": "T"}, files={"other": ("a.pdf", photo_pdf())}),
        422,
        "file_id: ",
    )
    check_refused(user.post("/api/v1/files", data={"file": "text, not a file"}), 422, "file: ")
    check_refused(user.post("/api/v1/files", json={"file": "x"}), 422, "file: ")
    check_refused(user.post("/api/v1/books", json={}), 422, "title: ")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "query",
    [
        "status=done",
        "status=",
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=1e9",
        "cursor=!!",
        "cursor=AAAA",
        "cursor=%00",
        "status[$ne]=x&limit=-1",
        "book_id=",
    ],
)
def test_a_query_out_of_range_is_refused(user: Client, query: str) -> None:
    check_refused(user.get(f"/api/v1/books/jobs?{query}"), 422, ": ")


ODD_IDS = [
    "nothing",
    "%00",
    "..%2f..%2fetc",
    "$ne",
    "{}",
    "' OR 1=1",
    "a" * 3000,
    "%F0%9F%93%9A",
    "00000000-0000-0000-0000-0",
]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "path, kind",
    [
        ("/api/v1/books/jobs/{}", "Job"),
        ("/api/v1/books/jobs/{}/pages", "Job"),
        ("/api/v1/files/{}", "File"),
        ("/api/v1/books/{}/chapters", "Book"),
    ],
)
def test_an_unknown_id_is_not_found_whatever_it_looks_like(
    user: Client, path: str, kind: str
) -> None:
    for odd in ODD_IDS:
        response = user.get(path.format(odd))
        assert response.status_code == 404 and list(response.json()) == ["detail"], (
            odd,
            response.text,
        )
        if "%2f" not in odd:
            assert response.json()["detail"] == f"{kind} {unquote(odd)} not found"


@pytest.mark.usefixtures("unchanged")
def test_an_unknown_book_file_parent_chapter_or_page_is_not_found(user: Client) -> None:
    check_refused(
        user.post(ENQUEUE.format(book="none"), json={"file_id": "x", "title": "T"}),
        404,
        "Book none not found",
    )
    here = ENQUEUE.format(book=user.book_id)
    check_refused(
        user.post(here, json={"file_id": "file_x", "title": "T"}), 404, "File file_x not found"
    )
    with_parent = {"file_id": "file_x", "title": "T", "parent_id": "nobody"}
    check_refused(user.post(here, json=with_parent), 404, "Chapter nobody not found")
    check_refused(
        user.get(f"/api/v1/books/{user.book_id}/chapters/none"), 404, "Chapter none not found"
    )
    check_refused(
        user.request("DELETE", f"/api/v1/books/{user.book_id}/chapters/none"),
        404,
        "Chapter none not found",
    )


def test_a_page_number_that_is_none_is_not_found(user: Client) -> None:
    job = user.end_of(user.submit(photo_pdf()))
    chapter = f"/api/v1/books/{user.book_id}/chapters/{job['result']['chapter_id']}"
    for number in ("0", "2", "-1", "1.0", "x", "٣", "1e3", "999999999999999999999"):
        check_refused(user.get(f"{chapter}/pages/{number}"), 404, f"Page {number} not found")
        check_refused(user.get(f"{chapter}/pages/{number}/image"), 404, f"Page {number} not found")
    assert user.get(f"{chapter}/pages/1").status_code == 200


def test_what_belongs_to_somebody_else_is_denied(strict: ServerProcess, user: Client) -> None:
    file = user.upload(photo_pdf()).json()["file_id"]
    job = user.end_of(user.enqueue(file).json()["job_id"])
    chapter = f"/api/v1/books/{user.book_id}/chapters/{job['result']['chapter_id']}"
    before = files(strict.data)
    thief = Client(strict.url, "thief")
    thief.session.headers["Origin"] = "https://app.example"
    for path in (
        chapter,
        f"{chapter}/pages/1",
        f"{chapter}/pages/1/image",
        f"/api/v1/books/{user.book_id}",
    ):
        check_refused(thief.get(path), 403, "Access denied to this book")
    check_refused(thief.request("DELETE", chapter), 403, "Access denied to this book")
    check_refused(thief.get(f"/api/v1/files/{file}"), 403, "Access denied to this file")
    for path in ("", "/pages"):
        check_refused(
            thief.get(f"/api/v1/books/jobs/{job['job_id']}{path}"), 403, "Access denied to this job"
        )
    check_refused(thief.enqueue(file), 403, "Access denied to this file")
    theirs = {"file_id": file, "title": "T"}
    check_refused(
        thief.post(ENQUEUE.format(book=user.book_id), json=theirs),
        403,
        "Access denied to this book",
    )
    assert thief.get("/api/v1/books").json()["books"][0]["title"] == "A book of thief"
    assert thief.get("/api/v1/books/jobs").json()["jobs"] == []
    assert files(strict.data) == before


def test_a_signed_address_opens_its_own_page_only(user: Client) -> None:
    job = user.end_of(user.submit(text_pdf(2)))
    first, second = (page["background_url"] for page in user.chapter(job)["pages"])
    assert requests.get(user.url + first, timeout=10).status_code == 200
    query = first.partition("?")[2]
    swapped = f"{second.partition('?')[0]}?{query}"
    longer = first.replace("expires=", "expires=9")
    for forged in (
        swapped,
        longer,
        first[:-1],
        first.partition("?")[0],
        first.replace("signature=", "signature=%00"),
    ):
        assert requests.get(user.url + forged, timeout=10).status_code == 401, forged
