"""Chapters that are parts of a PDF: which pages they have, and in which order they stand."""

from typing import Any

import pytest

from tests.support.client import Client, Json
from tests.support.pdfs import text_pdf

ENQUEUE = "/api/v1/books/{book}/chapters/from-pdf"


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
