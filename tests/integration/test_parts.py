"""Chapters that are parts of a PDF: which pages they have, and in which order they stand."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.support.client import ENQUEUE, Client, Json
from tests.support.pdfs import stuck_pdf, text_pdf
from tests.support.server import ServerProcess

pytestmark = pytest.mark.long_file(30)


def first_lines(client: Client, chapter: Json) -> list[str]:
    """Which page of which PDF each page of a chapter is."""
    address = f"/api/v1/books/{client.book_id}/chapters/{chapter['chapter_id']}/pages"
    numbers = [page["page_number"] for page in chapter["pages"]]
    return [
        client.get(f"{address}/{number}").json()["text"].partition("\n")[0] for number in numbers
    ]


@pytest.mark.parametrize(
    "fields, expected",
    [
        pytest.param({"first_page": 3, "last_page": 5}, [3, 4, 5], id="in the middle"),
        pytest.param({"first_page": 9}, [9, 10], id="up to the end"),
        pytest.param({"last_page": 1}, [1], id="from the start"),
        pytest.param({"first_page": 10, "last_page": 10}, [10], id="only the last"),
    ],
)
@pytest.mark.parametrize("encoding", ["json", "form"])
def test_a_chapter_has_the_pages_that_were_asked_for(
    alice: Client, encoding: str, fields: dict[str, Any], expected: list[int]
) -> None:
    if encoding == "form":
        response = alice.post(
            ENQUEUE.format(book=alice.book_id),
            data={"title": "A part", **fields},
            files={"file": ("book.pdf", text_pdf(10))},
        )
    else:
        response = alice.enqueue(alice.upload(text_pdf(10)).json()["file_id"], **fields)
    job = alice.end_of(response.json()["job_id"])
    pages = "1 page" if len(expected) == 1 else f"{len(expected)} pages"
    assert job["message"] == f"Chapter created successfully with {pages}"
    assert job["result"]["total_pages"] == len(expected)
    chapter = alice.chapter(job)
    assert [page["page_number"] for page in chapter["pages"]] == list(range(1, len(expected) + 1))
    assert first_lines(alice, chapter) == [f"page {number} of 10" for number in expected]


OUT_OF_RANGE: list[tuple[dict[str, Any], str]] = [
    ({"first_page": 11}, "first_page must not be after the end of the PDF, which has 10 pages"),
    ({"last_page": 11}, "last_page must not be after the end of the PDF, which has 10 pages"),
    ({"first_page": 5, "last_page": 4}, "first_page must not be after last_page"),
]


@pytest.mark.parametrize("fields, detail", OUT_OF_RANGE, ids=str)
def test_pages_that_the_pdf_does_not_have_are_refused(
    alice: Client, fields: dict[str, Any], detail: str
) -> None:
    refused = alice.enqueue(alice.upload(text_pdf(10)).json()["file_id"], **fields)
    assert (refused.status_code, refused.json()) == (422, {"detail": detail})
    as_form = alice.post(
        ENQUEUE.format(book=alice.book_id),
        data={"title": "A part", **fields},
        files={"file": ("book.pdf", text_pdf(10))},
    )
    assert (as_form.status_code, as_form.json()) == (422, {"detail": detail})
    assert alice.get("/api/v1/books/jobs").json()["jobs"] == []


def test_an_idempotency_key_is_for_one_range_of_pages(alice: Client) -> None:
    file_id, headers = alice.upload(text_pdf(4)).json()["file_id"], {"Idempotency-Key": "part 1"}
    first, again = (alice.enqueue(file_id, headers, first_page=2) for _ in range(2))
    assert first.json()["job_id"] == again.json()["job_id"]
    assert alice.enqueue(file_id, headers, first_page=3).status_code == 422
    assert alice.enqueue(file_id, headers).status_code == 422


OUTLINE = "/api/v1/books/{book}/chapters/from-outline"
SETTINGS = {
    "jobs.workers": 2,
    "limits.max_active_jobs_per_user": 60,
    "rendering.page_timeout_s": 2,
    "rendering.dpi": 72,
}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that runs two jobs at once, and gives a page two seconds."""
    server = ServerProcess(tmp_path_factory.mktemp("busy"), SETTINGS).start().wait_until_ready()
    yield server
    assert server.stop() == 0


@pytest.fixture
def user(busy: ServerProcess) -> Client:
    return Client(busy.url, f"user-{uuid4().hex[:8]}")


@pytest.fixture
def other(busy: ServerProcess) -> Client:
    return Client(busy.url, f"other-{uuid4().hex[:8]}")


def parts_of(pages: int, count: int) -> list[Json]:
    """As many parts of equal length; the last one has the rest."""
    length = pages // count
    return [
        {
            "title": f"Part {number}",
            "first_page": (number - 1) * length + 1,
            "last_page": pages if number == count else number * length,
        }
        for number in range(1, count + 1)
    ]


def from_outline(
    client: Client, file_id: str, parts: list[Json], key: str | None = None, **fields: Any
) -> requests.Response:
    body = {"file_id": file_id, "parts": parts, **fields}
    headers = {"Idempotency-Key": key} if key else None
    return client.post(OUTLINE.format(book=client.book_id), json=body, headers=headers)


def chapters(client: Client) -> list[Json]:
    listed: list[Json] = client.get(f"/api/v1/books/{client.book_id}/chapters").json()["chapters"]
    return listed


def test_chapters_stand_in_the_order_in_which_they_were_sent(user: Client) -> None:
    file_id = user.upload(stuck_pdf(0, 12)).json()["file_id"]
    sent = [user.enqueue(file_id, title="Part 1", last_page=2, on_bad_page="placeholder")]
    for number in range(2, 7):
        part: Json = {"first_page": number + 1, "last_page": number + 1}
        sent.append(user.enqueue(file_id, title=f"Part {number}", **part))
    ended = [user.end_of(response.json()["job_id"]) for response in sent]
    assert {job["status"] for job in ended} == {"completed"}
    assert ended[0]["completed_at"] > ended[1]["completed_at"], "they end in another order"
    listed = chapters(user)
    assert [chapter["title"] for chapter in listed] == [f"Part {n}" for n in range(1, 7)]
    assert [chapter["order_index"] for chapter in listed] == list(range(6))


def test_a_new_chapter_comes_behind_those_there_are_and_those_under_way(user: Client) -> None:
    file_id = user.upload(stuck_pdf(0, 1)).json()["file_id"]
    there = user.enqueue(file_id, title="There", order_index=3, first_page=2)
    user.end_of(there.json()["job_id"])
    fields: Json = {"title": "Under way", "order_index": 7, "on_bad_page": "placeholder"}
    under_way = user.enqueue(file_id, **fields)
    new = user.enqueue(file_id, title="New", first_page=2)
    for response in (new, under_way):
        assert user.end_of(response.json()["job_id"])["status"] == "completed"
    listed = [(chapter["title"], chapter["order_index"]) for chapter in chapters(user)]
    assert listed == [("There", 3), ("Under way", 7), ("New", 8)]


def test_chapters_with_one_index_stand_in_the_order_of_their_jobs(user: Client) -> None:
    file_id = user.upload(stuck_pdf(0, 3)).json()["file_id"]
    slow = {"last_page": 2, "on_bad_page": "placeholder"}
    for title, pages in (("First", slow), ("Second", {"first_page": 3})):
        response = user.enqueue(file_id, title=title, order_index=5, **pages)
        assert response.status_code == 202
    for job in user.get("/api/v1/books/jobs").json()["jobs"]:
        user.end_of(job["job_id"])
    assert [chapter["title"] for chapter in chapters(user)] == ["First", "Second"]


def test_one_request_makes_17_chapters_and_delays_nobody_elses_page(
    user: Client, other: Client
) -> None:
    book = user.upload(text_pdf(352, words=14)).json()["file_id"]
    page = other.upload(text_pdf(1)).json()["file_id"]
    assert other.book_id
    before = user.end_of(user.enqueue(book, title="Before", last_page=1).json()["job_id"])
    response = from_outline(user, book, parts_of(352, 17), is_published=False)
    small = other.end_of(other.enqueue(page).json()["job_id"])

    assert response.status_code == 202 and response.headers["Retry-After"] == "2"
    jobs = response.json()["jobs"]
    keys = ["job_id", "user_id", "status", "progress", "message", "created_at", "updated_at"]
    assert [list(job) for job in jobs] == [keys] * 17
    ended = [user.end_of(job["job_id"], 120) for job in jobs]
    meanwhile = [
        job for job in ended if small["created_at"] < job["completed_at"] < small["completed_at"]
    ]
    assert len(meanwhile) <= 4, "two that ran, and what a free worker took before its turn"

    listed = chapters(user)
    titles = ["Before", *(f"Part {number}" for number in range(1, 18))]
    assert [chapter["title"] for chapter in listed] == titles
    assert [chapter["order_index"] for chapter in listed] == list(range(18))
    assert [chapter["chapter_id"] for chapter in listed] == [
        job["result"]["chapter_id"] for job in (before, *ended)
    ]
    assert {chapter["is_published"] for chapter in listed[1:]} == {False}
    assert [job["result"]["total_pages"] for job in ended] == [20] * 16 + [32]
    last = user.chapter(ended[-1])
    assert first_lines(user, last)[::31] == ["page 321 of 352", "page 352 of 352"]
    newest_first = user.get("/api/v1/books/jobs").json()["jobs"]
    assert [job["job_id"] for job in newest_first[:17]] == [job["job_id"] for job in jobs[::-1]]


def test_a_key_makes_the_jobs_of_an_outline_once(user: Client) -> None:
    file_id, parts = user.upload(text_pdf(6)).json()["file_id"], parts_of(6, 3)
    assert user.book_id
    with ThreadPoolExecutor(8) as threads:
        responses = list(
            threads.map(lambda _: from_outline(user, file_id, parts, "outline"), range(8))
        )
    assert {response.status_code for response in responses} == {202}
    ids = [[job["job_id"] for job in response.json()["jobs"]] for response in responses]
    assert all(each == ids[0] for each in ids) and len(set(ids[0])) == 3
    replayed = [response.headers.get("Idempotency-Replayed") for response in responses]
    assert sorted(replayed, key=str) == sorted([None, *["true"] * 7], key=str)
    ended = [user.end_of(job_id) for job_id in ids[0]]
    later = from_outline(user, file_id, parts, "outline")
    assert later.json()["jobs"] == ended and later.headers["Idempotency-Replayed"] == "true"
    for changed in (parts[:2], [*parts[:2], {**parts[2], "title": "Else"}]):
        refused = from_outline(user, file_id, changed, "outline")
        assert refused.status_code == 422 and "Idempotency-Key" in refused.json()["detail"]
    assert user.enqueue(file_id, {"Idempotency-Key": "outline"}).status_code == 422
    assert len(user.get("/api/v1/books/jobs").json()["jobs"]) == 3


PART = {"title": "T", "first_page": 1, "last_page": 2}
BAD_PARTS = {
    "none": ([], "parts must have 1 to 200 entries"),
    "too many": ([PART] * 201, "parts must have 1 to 200 entries"),
    "no list": ({"0": PART}, "parts must be a list"),
    "not an object": ([PART, "T"], "parts[1] must be an object"),
    "no title": ([PART, {**PART, "title": " "}], "parts[1].title must not be empty"),
    "no last page": ([{"title": "T", "first_page": 1}], "parts[0].last_page is required"),
    "an unknown field": ([{**PART, "slug": "x"}], "parts[0].slug is not a field of this request"),
    "pages that are not there": (
        [PART, {**PART, "last_page": 7}],
        "parts[1].last_page must not be after the end of the PDF, which has 6 pages",
    ),
    "pages that end before they begin": (
        [{**PART, "first_page": 3}],
        "parts[0].first_page must not be after parts[0].last_page",
    ),
}


@pytest.mark.parametrize("parts, detail", BAD_PARTS.values(), ids=BAD_PARTS)
def test_bad_parts_are_named_and_create_nothing(user: Client, parts: Any, detail: str) -> None:
    refused = from_outline(user, user.upload(text_pdf(6)).json()["file_id"], parts)
    assert (refused.status_code, refused.json()) == (422, {"detail": detail})
    assert user.get("/api/v1/books/jobs").json()["jobs"] == []


def test_more_parts_than_a_user_may_have_jobs_create_nothing(user: Client) -> None:
    file_id = user.upload(stuck_pdf(0, 60)).json()["file_id"]
    assert user.enqueue(file_id).status_code == 202
    refused = from_outline(user, file_id, parts_of(60, 60), "too many")
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    detail = "You have 1 unfinished job, and 60 more would exceed the limit of 60"
    assert refused.json() == {"detail": detail}
    assert len(user.get("/api/v1/books/jobs").json()["jobs"]) == 1
