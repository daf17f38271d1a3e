"""Bad JSON, fields and ids get the contract's errors, and leave no file behind."""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from tests.support.client import ENQUEUE, Client, Json
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.refusals import check_refused, user_at_origin
from tests.support.server import ServerProcess


@pytest.fixture
def user(strict: ServerProcess) -> Client:
    return user_at_origin(strict.url)


def shown(value: object) -> str:
    """A value as the id of a case."""
    return ascii(value)[:40]


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


@pytest.fixture(scope="module")
def pages(strict: ServerProcess) -> tuple[Client, str]:
    """The owner of a chapter of two pages, and the address of these."""
    owner = user_at_origin(strict.url)
    chapter_id = owner.end_of(owner.submit(text_pdf(2)))["result"]["chapter_id"]
    return owner, f"/api/v1/books/{owner.book_id}/chapters/{chapter_id}/pages"


def test_the_pages_of_a_chapter_count_from_one(pages: tuple[Client, str]) -> None:
    owner, address = pages
    assert owner.get(f"{address}/1").status_code == 200


@pytest.mark.parametrize(
    "number", ["0", "3", "-1", "1.0", "x", "٣", "1e3", "999999999999999999999"], ids=shown
)
@pytest.mark.parametrize("part", ["", "/image", "/thumbnail"], ids=["page", "image", "thumbnail"])
def test_a_page_number_that_does_not_exist_is_not_found(
    pages: tuple[Client, str], number: str, part: str
) -> None:
    owner, address = pages
    check_refused(owner.get(f"{address}/{number}{part}"), 404, f"Page {number} not found")
