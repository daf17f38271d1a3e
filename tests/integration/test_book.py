"""A real book over HTTP, from its upload to the words of its last page."""

import re
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
import requests
from PIL import Image

from tests.support.client import Client, Json
from tests.support.pdfs import BOOK, SHARED, photo_pdf, shared_pdfs, text_pdf

pytestmark = pytest.mark.long_file(50)

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# The second file is cut off in the middle; other readers find no page in it either.
UNREADABLE = {
    "password": "PDF is password protected",
    "unreadablemetadata": "PDF is damaged and cannot be opened",
}
COMMON_KEYS = ["job_id", "user_id", "status", "progress", "message"]
PAGE_KEYS = ["page_number", "background_url", "width", "height", "thumbnail_url"]
TIMES = ["created_at", "updated_at"]


def book_pdf() -> tuple[bytes, int]:
    """The real book, or if it is missing, a built one of the same length."""
    path = SHARED / BOOK
    return (path.read_bytes() if path.exists() else text_pdf(285)), 285


def test_a_book_is_polled_from_its_first_state_to_its_last_as_the_contract_says(
    alice: Client,
) -> None:
    pdf, pages = book_pdf()
    file = alice.upload(pdf, "sách của tôi.pdf").json()
    assert file["page_count"] == pages and file["filename"] == "sách của tôi.pdf"

    accepted = alice.enqueue(file["file_id"], title="  Khám  phá MuPDF ")
    assert accepted.status_code == 202
    job_id = accepted.json()["job_id"]
    assert str(UUID(job_id, version=4)) == job_id
    assert accepted.headers["Location"] == f"/api/v1/books/jobs/{job_id}"
    assert accepted.headers["Retry-After"] == "2"
    assert accepted.json()["status"] == "pending"

    responses = [accepted, *alice.responses(job_id)]
    check_sequence([response.json() for response in responses], pages, "sách của tôi.pdf")
    check_headers(responses[1:])
    check_pages(alice, responses[-1].json(), pages)


def check_sequence(jobs: list[Json], pages: int, filename: str) -> None:
    states = {"pending": 0, "processing": 1, "completed": 2}
    for before, after in pairwise(jobs):
        assert states[before["status"]] <= states[after["status"]]
        assert before["progress"] <= after["progress"]
        assert before["updated_at"] <= after["updated_at"]
        assert before["created_at"] == after["created_at"]
    for job in jobs:
        assert isinstance(job["progress"], int)
        assert all(ISO.fullmatch(job[key]) for key in job if key.endswith("_at"))
        assert job["message"] in messages_at(job, pages, filename)
        if job["status"] == "completed":
            assert list(job) == [*COMMON_KEYS, "result", *TIMES, "completed_at"]
            assert job["completed_at"] == job["updated_at"] and job["progress"] == 100
        else:
            assert list(job) == [*COMMON_KEYS, *TIMES]
    seen = {job["message"] for job in jobs if re.match(r"Processed \d+/", job["message"])}
    assert len(seen) >= 5, f"progress moved in too few steps to watch: {seen}"


def messages_at(job: Json, pages: int, filename: str) -> list[str]:
    """The messages that the contract allows at this status and progress."""
    progress = job["progress"]
    if job["status"] == "pending":
        return ["PDF chapter creation job enqueued"] if progress == 0 else []
    if job["status"] == "completed":
        return [f"Chapter created successfully with {pages} pages"]
    if progress <= 10:
        return [f"Downloading PDF: {filename}"]
    allowed = [
        f"Processed {done}/{pages} pages..."
        for done in range(1, pages + 1)
        if 30 + 40 * done // pages == progress
    ]
    if progress == 30:
        allowed.append("Extracting pages from PDF...")
    if progress >= 70:
        allowed.append(f"Processed {pages} pages. Creating chapter...")
    return allowed


def check_headers(responses: list[requests.Response]) -> None:
    for response in responses:
        assert response.status_code == 200
        assert response.headers["ETag"] and response.headers["Cache-Control"] == "no-cache"
        assert response.headers["X-Request-ID"]
        has_ended = response.json()["status"] == "completed"
        assert ("Retry-After" in response.headers) is not has_ended
        if "Retry-After" in response.headers:
            assert int(response.headers["Retry-After"]) >= 2


def check_pages(client: Client, job: Json, pages: int) -> None:
    assert job["result"]["total_pages"] == pages
    chapter = client.chapter(job)
    assert chapter["title"] == "Khám phá MuPDF" and chapter["slug"] == "kham-pha-mupdf"
    assert [page["page_number"] for page in chapter["pages"]] == list(range(1, pages + 1))

    address = f"/api/v1/books/{client.book_id}/chapters/{chapter['chapter_id']}"

    def check(page: Json) -> int:
        assert list(page) == [*PAGE_KEYS, "label", "elements"]
        # Without a token: the signature is enough.
        image, small = (
            requests.get(client.url + page[url], timeout=30)
            for url in ("background_url", "thumbnail_url")
        )
        assert image.status_code == 200 and "immutable" in image.headers["Cache-Control"]
        assert Image.open(BytesIO(image.content)).size == (page["width"], page["height"])
        assert small.status_code == 200 and "immutable" in small.headers["Cache-Control"]
        assert 160 <= Image.open(BytesIO(small.content)).width <= 200
        content = client.get(f"{address}/pages/{page['page_number']}").json()
        for x0, y0, x1, y1, word in content["words"]:
            assert 0 <= x0 <= x1 <= page["width"] and 0 <= y0 <= y1 <= page["height"] and word
        return len(content["words"])

    some = chapter["pages"][::7]
    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(check, some)) > len(some) * 10


def test_pages_can_be_read_while_the_job_still_runs(alice: Client) -> None:
    pages = 100
    job_id = alice.submit(text_pdf(pages))
    for response in alice.responses(job_id):
        so_far = alice.get(f"/api/v1/books/jobs/{job_id}/pages").json()
        assert so_far["total_pages"] == pages
        if so_far["pages"] and response.json()["status"] == "processing":
            break
    else:
        pytest.fail("no page could be read before the job's end")
    first = so_far["pages"][0]
    assert list(first) == PAGE_KEYS
    image = requests.get(alice.url + first["background_url"], timeout=30)
    assert image.status_code == 200 and image.headers["Content-Type"] in ("image/png", "image/jpeg")
    assert requests.get(alice.url + first["thumbnail_url"], timeout=30).status_code == 200
    assert alice.get(first["background_url"].partition("?")[0]).status_code == 200
    assert alice.end_of(job_id)["status"] == "completed"


@pytest.mark.needs_shared_pdfs
@pytest.mark.parametrize(
    "path", [path for path in shared_pdfs() if path.name != BOOK], ids=lambda path: path.stem[:40]
)
def test_every_other_real_pdf_becomes_a_chapter_or_a_clear_error(alice: Client, path: Path) -> None:
    uploaded = alice.upload(path.read_bytes(), path.name)
    details = [detail for part, detail in UNREADABLE.items() if part in path.name]
    if details:
        assert (uploaded.status_code, uploaded.json()) == (400, {"detail": details[0]})
        return
    assert uploaded.status_code == 201, uploaded.text
    job = alice.end_of(alice.enqueue(uploaded.json()["file_id"]).json()["job_id"])
    assert job["status"] == "completed", job
    assert len(alice.chapter(job)["pages"]) == uploaded.json()["page_count"]


def test_one_page_is_one_page_and_not_one_pages(alice: Client) -> None:
    job = alice.end_of(alice.submit(photo_pdf()))
    assert job["message"] == "Chapter created successfully with 1 page"
