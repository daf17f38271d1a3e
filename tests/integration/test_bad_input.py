"""Bad input gets the contract's errors, loses nothing, and leaves no file behind."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest
import requests

from tests.support.client import Client, Json
from tests.support.leftovers import check_end, files
from tests.support.pdfs import encrypted_pdf, no_pages_pdf, pdf_of_size, photo_pdf, text_pdf
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


def check_refused(response: requests.Response, status: int, message: str) -> None:
    assert response.status_code == status, response.text
    assert list(response.json()) == ["detail"], response.text
    assert message in response.json()["detail"], response.text
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert response.headers["X-Request-ID"]
    assert response.headers["Content-Type"] == "application/json"


def shown(value: object) -> str:
    """A value as the id of a case."""
    return ascii(value)[:40]


TEXT_FILE = b"Hello, I am a text file with a wrong name.\n" * 40
TOO_LARGE = "The upload is larger than the limit of 1 MB"
BAD_PDFS = {
    "empty": (b"", 400, "The file is empty"),
    "a text file": (TEXT_FILE, 400, "The file is not a PDF"),
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
    "too large": (text_pdf(1) + bytes(1024 * 1024), 413, TOO_LARGE),
    "far too large": (bytes(9 * 1024 * 1024), 413, TOO_LARGE),
}


@pytest.mark.parametrize("pdf, status, message", BAD_PDFS.values(), ids=BAD_PDFS)
@pytest.mark.usefixtures("unchanged")
def test_a_file_that_cannot_become_a_chapter_is_refused_with_the_reason(
    user: Client, pdf: bytes, status: int, message: str
) -> None:
    check_refused(user.upload(pdf, "chapter.pdf"), status, message)
    form = {"file": ("chapter.pdf", pdf, "application/pdf")}
    enqueued = user.post(ENQUEUE.format(book=user.book_id), files=form, data={"title": "T"})
    check_refused(enqueued, status, message)


@pytest.mark.parametrize("encoding", ["with a length", "chunked"])
@pytest.mark.parametrize(
    "path, fields",
    [
        pytest.param("/api/v1/files", {}, id="upload"),
        pytest.param("/api/v1/files", {"x": "x" * 1_000_000}, id="upload with a large field"),
        pytest.param(ENQUEUE, {"title": "A chapter"}, id="enqueue"),
    ],
)
def test_a_pdf_may_be_exactly_as_large_as_the_limit(
    user: Client, path: str, fields: dict[str, str], encoding: str
) -> None:
    def send(size: int) -> requests.Response:
        files = {"file": ("exactly.pdf", pdf_of_size(size), "application/pdf")}
        url = user.url + path.format(book=user.book_id)
        request = user.session.prepare_request(
            requests.Request("POST", url, data=fields, files=files)
        )
        if encoding == "chunked":
            body = request.body
            assert isinstance(body, bytes)
            request.body = (body[at : at + 1024] for at in range(0, len(body), 1024))
            del request.headers["Content-Length"]
            request.headers["Transfer-Encoding"] = "chunked"
        return user.session.send(request, timeout=60)

    accepted = send(1024 * 1024)
    assert accepted.status_code in (201, 202), accepted.text
    check_refused(send(1024 * 1024 + 1), 413, TOO_LARGE)


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
    ids=[
        "relative path",
        "absolute path",
        "too long",
        "control characters",
        "reversed text",
        "only dots",
        "Vietnamese",
    ],
)
def test_a_file_name_is_shown_without_harmful_characters(
    user: Client, given: str, shown: str
) -> None:
    file = user.upload(photo_pdf(), given).json()
    assert file["filename"] == shown
    message = user.end_of(user.enqueue(file["file_id"]).json()["job_id"])["message"]
    assert message.startswith("Chapter created")


NOT_AN_OBJECT = "The body must be a JSON object"
NOT_JSON = "The body is not valid JSON"
BAD_BODIES = [
    *((body, 422, NOT_AN_OBJECT) for body in (b"[]", b'"text"', b"17", b"null", b"true")),
    *((body, 400, NOT_JSON) for body in (b"", b"{", b"{'title': 'x'}", b'{"title": ')),
    *((body, 400, NOT_JSON) for body in (b"\xff\xfe", b"[" * 100_000)),
]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "body, status, message", BAD_BODIES, ids=[shown(body) for body, _, _ in BAD_BODIES]
)
@pytest.mark.parametrize("path", ["/api/v1/books", ENQUEUE, "/dev/token"])
def test_a_body_that_is_not_a_json_object_is_refused(
    user: Client, path: str, body: bytes, status: int, message: str
) -> None:
    check_refused(user.post(path.format(book=user.book_id), data=body), status, message)


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
BAD_TITLES = [*BAD_VALUES, "x" * 301, "\u200b"]
BAD_FIELDS = {
    "title": BAD_TITLES,
    "file_id": BAD_VALUES[:9],
    "slug": [{"$ne": None}, [], 17, True, "", "Not A Slug", "-x", "x-", "a--b", "../x", "x" * 81],
    "order_index": [{"$ne": None}, [], "1", 1.5, True, -1, 2**31, 10**400],
    "first_page": [{"$ne": None}, "1", 1.5, True, None, 0, 2**31],
    "last_page": [{"$ne": None}, "1", 1.5, True, 0, 2**31],
    "unknown": [None, 1],
    "file_id.x": [1],
    "parent_id": [{"$ne": None}, [], 17, True, ""],
    "is_published": [{"$ne": None}, [], 0, 1, "true", None],
    "is_preview_free": [{"$ne": None}, [], 0, 1, "false", None],
}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "field, value",
    [
        pytest.param(field, value, id=f"{field}={shown(value)}")
        for field, values in BAD_FIELDS.items()
        for value in values
    ],
)
def test_a_field_of_a_wrong_type_or_out_of_range_is_named(
    user: Client, field: str, value: Any
) -> None:
    body = json.dumps({"file_id": "file_1", "title": "T", field: value})
    check_refused(user.post(ENQUEUE.format(book=user.book_id), data=body), 422, f"{field} ")
    assert user.get("/api/v1/books/jobs").json() == {"jobs": [], "next_cursor": None}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("title", BAD_TITLES, ids=shown)
def test_a_bad_title_of_a_book_is_named(user: Client, title: Any) -> None:
    check_refused(user.post("/api/v1/books", data=json.dumps({"title": title})), 422, "title ")


A_PDF = ("a.pdf", photo_pdf())


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "path, sent, field",
    [
        pytest.param(ENQUEUE, {"json": {"title": "T"}}, "file_id", id="chapter without file"),
        pytest.param(ENQUEUE, {"json": {"file_id": "x"}}, "title", id="chapter without title"),
        pytest.param(ENQUEUE, {"files": {"file": A_PDF}}, "title", id="form without title"),
        pytest.param(
            ENQUEUE,
            {"data": {"title": "T"}, "files": {"other": A_PDF}},
            "file_id",
            id="form without file",
        ),
        pytest.param("/api/v1/files", {"data": {"file": "text"}}, "file", id="text, not a file"),
        pytest.param("/api/v1/files", {"json": {"file": "x"}}, "file", id="JSON, not a form"),
        pytest.param("/api/v1/books", {"json": {}}, "title", id="book without title"),
    ],
)
def test_a_missing_field_is_named(
    user: Client, path: str, sent: dict[str, Any], field: str
) -> None:
    check_refused(user.post(path.format(book=user.book_id), **sent), 422, f"{field} ")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "sent, field",
    [
        pytest.param({"data": {"title": "T", "tilte": "T"}, "files": {"file": A_PDF}}, "tilte"),
        pytest.param({"data": {"title": "T"}, "files": {"file": A_PDF, "more": A_PDF}}, "more"),
        pytest.param(
            {"data": {"title": "T", "file_id": "file_x"}, "files": {"file": A_PDF}}, "file_id"
        ),
    ],
    ids=["text", "file", "file_id beside a file"],
)
def test_an_unknown_field_of_a_form_is_named(user: Client, sent: Json, field: str) -> None:
    response = user.post(ENQUEUE.format(book=user.book_id), **sent)
    check_refused(response, 422, f"{field} is not a field of this request")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "fields, message",
    [
        ({"title": ""}, "title must not be empty"),
        ({"title": "x" * 301}, "title must have at most 300 characters"),
        ({"order_index": "1"}, "order_index must be a whole number"),
        ({"order_index": -1}, "order_index must be at least 0"),
        ({"is_published": 1}, "is_published must be true or false"),
        ({"on_bad_page": "skip"}, "on_bad_page must be 'fail' or 'placeholder'"),
        ({"file_id": None}, "file_id must be text"),
        ({"a\ud800": 1}, "The name of a field must be text"),
        ({"\x00" * 100: 1}, "?" * 60 + " is not a field of this request"),
    ],
    ids=shown,
)
def test_messages_about_fields_are_for_people(user: Client, fields: Json, message: str) -> None:
    body = json.dumps({"file_id": "file_1", "title": "T", **fields})
    response = user.post(ENQUEUE.format(book=user.book_id), data=body)
    check_refused(response, 422, message)
    assert response.json() == {"detail": message}


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
    check_refused(user.get(f"/api/v1/books/jobs?{query}"), 422, " must ")


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
@pytest.mark.parametrize("odd_id", ODD_IDS, ids=shown)
@pytest.mark.parametrize(
    "path, kind",
    [
        pytest.param("/api/v1/books/jobs/{}", "Job", id="job"),
        pytest.param("/api/v1/books/jobs/{}/pages", "Job", id="pages of a job"),
        pytest.param("/api/v1/files/{}", "File", id="file"),
        pytest.param("/api/v1/books/{}/chapters", "Book", id="book"),
    ],
)
def test_an_unknown_id_is_not_found_whatever_it_looks_like(
    user: Client, path: str, kind: str, odd_id: str
) -> None:
    response = user.get(path.format(odd_id))
    # A slash makes it another URL, which does not exist either.
    not_found = "ot found" if "%2f" in odd_id else f"{kind} {unquote(odd_id)} not found"
    check_refused(response, 404, not_found)


@pytest.mark.usefixtures("unchanged")
def test_enqueueing_into_an_unknown_book_is_not_found(user: Client) -> None:
    response = user.post(ENQUEUE.format(book="none"), json={"file_id": "x", "title": "T"})
    check_refused(response, 404, "Book none not found")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "fields, message",
    [
        pytest.param({}, "File file_x not found", id="file"),
        pytest.param({"parent_id": "nobody"}, "Chapter nobody not found", id="parent"),
    ],
)
def test_enqueueing_from_an_unknown_file_or_below_an_unknown_parent_is_not_found(
    user: Client, fields: dict[str, str], message: str
) -> None:
    body = {"file_id": "file_x", "title": "T", **fields}
    check_refused(user.post(ENQUEUE.format(book=user.book_id), json=body), 404, message)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_chapter_is_not_found(user: Client, method: str) -> None:
    response = user.request(method, f"/api/v1/books/{user.book_id}/chapters/none")
    check_refused(response, 404, "Chapter none not found")


@dataclass(frozen=True)
class Owned:
    """A user with a file and a chapter of two pages made from it; `book` and `chapter` are URLs."""

    owner: Client
    file_id: str
    job: Json
    book: str
    chapter: str


@pytest.fixture(scope="module")
def owned(strict: ServerProcess) -> Owned:
    owner = Client(strict.url, "owner")
    owner.session.headers["Origin"] = "https://app.example"
    file_id = owner.upload(text_pdf(2)).json()["file_id"]
    job = owner.end_of(owner.enqueue(file_id).json()["job_id"])
    book = f"/api/v1/books/{owner.book_id}"
    return Owned(owner, file_id, job, book, f"{book}/chapters/{job['result']['chapter_id']}")


def test_the_pages_of_a_chapter_count_from_one(owned: Owned) -> None:
    assert owned.owner.get(f"{owned.chapter}/pages/1").status_code == 200


@pytest.mark.parametrize(
    "number", ["0", "3", "-1", "1.0", "x", "٣", "1e3", "999999999999999999999"], ids=shown
)
@pytest.mark.parametrize("part", ["", "/image", "/thumbnail"], ids=["page", "image", "thumbnail"])
def test_a_page_number_that_does_not_exist_is_not_found(
    owned: Owned, number: str, part: str
) -> None:
    response = owned.owner.get(f"{owned.chapter}/pages/{number}{part}")
    check_refused(response, 404, f"Page {number} not found")


@pytest.fixture
def thief(strict: ServerProcess) -> Client:
    client = Client(strict.url, "thief")
    client.session.headers["Origin"] = "https://app.example"
    return client


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "method, path, kind",
    [
        pytest.param("GET", "{book}", "book", id="book"),
        pytest.param("GET", "{chapter}", "book", id="chapter"),
        pytest.param("GET", "{chapter}/pages/1", "book", id="page"),
        pytest.param("GET", "{chapter}/pages/1/image", "book", id="image"),
        pytest.param("GET", "{chapter}/pages/1/thumbnail", "book", id="thumbnail"),
        pytest.param("DELETE", "{chapter}", "book", id="deleting a chapter"),
        pytest.param("GET", "/api/v1/files/{file_id}", "file", id="file"),
        pytest.param("GET", "/api/v1/files/{file_id}/outline", "file", id="outline"),
        pytest.param("GET", "/api/v1/files/{file_id}/content", "file", id="content"),
        pytest.param("GET", "/api/v1/books/jobs/{job_id}", "job", id="job"),
        pytest.param("GET", "/api/v1/books/jobs/{job_id}/pages", "job", id="pages of a job"),
    ],
)
def test_access_to_what_another_user_owns_is_denied(
    owned: Owned, thief: Client, method: str, path: str, kind: str
) -> None:
    address = path.format(
        book=owned.book,
        chapter=owned.chapter,
        file_id=owned.file_id,
        job_id=owned.job["job_id"],
    )
    check_refused(thief.request(method, address), 403, f"Access denied to this {kind}")


def test_nothing_can_be_made_from_or_in_what_another_user_owns(
    owned: Owned, thief: Client, strict: ServerProcess
) -> None:
    assert thief.book_id
    before = files(strict.data)
    check_refused(thief.enqueue(owned.file_id), 403, "Access denied to this file")
    body = {"file_id": owned.file_id, "title": "T"}
    response = thief.post(f"{owned.book}/chapters/from-pdf", json=body)
    check_refused(response, 403, "Access denied to this book")
    assert files(strict.data) == before


def test_lists_show_only_what_the_caller_owns(owned: Owned, thief: Client) -> None:
    assert thief.book_id and owned.owner.book_id
    assert {book["title"] for book in thief.get("/api/v1/books").json()["books"]} == {
        "A book of thief"
    }
    assert thief.get("/api/v1/books/jobs").json()["jobs"] == []


@pytest.fixture(scope="module")
def signed(owned: Owned) -> tuple[str, str]:
    """The signed URLs of two pages."""
    first, second = (page["background_url"] for page in owned.owner.chapter(owned.job)["pages"])
    return first, second


def test_a_signed_url_opens_its_page_without_a_token(
    strict: ServerProcess, signed: tuple[str, str]
) -> None:
    assert requests.get(strict.url + signed[0], timeout=10).status_code == 200


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(
            lambda url, other: f"{other.partition('?')[0]}?{url.partition('?')[2]}",
            id="another page",
        ),
        pytest.param(lambda url, other: url.replace("expires=", "expires=9"), id="later"),
        pytest.param(lambda url, other: url[:-1], id="cut short"),
        pytest.param(lambda url, other: url.partition("?")[0], id="unsigned"),
        pytest.param(
            lambda url, other: url.replace("signature=", "signature=%00"), id="a byte more"
        ),
    ],
)
def test_a_changed_signed_url_is_refused(
    strict: ServerProcess, signed: tuple[str, str], forge: Callable[[str, str], str]
) -> None:
    assert requests.get(strict.url + forge(*signed), timeout=10).status_code == 401
