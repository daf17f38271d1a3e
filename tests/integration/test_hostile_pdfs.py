"""Harmful PDFs over HTTP: each is refused, or its job ends with the right message."""

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests

from tests.support.client import Client, Json
from tests.support.hostile import (
    circular_form_pdf,
    circular_pages_pdf,
    content_bomb_pdf,
    false_count_pdf,
    image_bomb_pdf,
    many_pages_pdf,
    mutations,
    truncated,
    wide_pdf,
    without_xref,
    wordy_pdf,
    xref_bomb_pdf,
)
from tests.support.leftovers import check_end, published, staged
from tests.support.pdfs import hanging_pdf, nested_forms_pdf, page_pdf, photo_pdf, text_pdf
from tests.support.processes import memory_kb
from tests.support.server import ServerProcess

pytestmark = pytest.mark.long_file(60)

MAX_PIXELS = 4_000_000
SETTINGS = {
    "rendering.page_timeout_s": 2,
    "rendering.max_pages": 2000,
    "rendering.max_pixels": MAX_PIXELS,
    "rendering.dpi": 72,
    "rendering.processes": 2,
}
MUTATIONS = int(os.environ.get("SOAK_PDFS", "40"))
CLIENTS, BATCH = 4, 10
MAY_GROW_KB = 40_000
REFUSALS = {
    400: "The file is (not a PDF|empty)"
    "|PDF (is damaged and cannot be opened|is password protected|has no pages)",
    422: r"PDF has \d+ pages, more than the limit of 2000",
}
ERRORS = (
    r"Page \d+ (is damaged and cannot be rendered|took longer than 2 s|crashed the renderer)"
    "|Out of memory"
)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that allows a page two seconds; in the end it runs, has not grown, left no file."""
    server = ServerProcess(tmp_path_factory.mktemp("target"), SETTINGS).start().wait_until_ready()
    warm = Client(server.url, "warm")
    for pdf in (text_pdf(30), photo_pdf()):
        assert warm.end_of(warm.submit(pdf))["status"] == "completed"
    before = memory_kb(server.pid)
    yield server
    grown = memory_kb(server.pid, peak=True) - before
    assert server.stop() == 0 and "Traceback" not in server.log, server.log[-3000:]
    assert grown < MAY_GROW_KB, f"the server has grown by {grown} kB since it was at {before} kB"
    assert staged(server.data) == []


@pytest.fixture
def user(target: ServerProcess) -> Client:
    return Client(target.url, f"user-{uuid4().hex[:8]}")


def send(user: Client, pdf: bytes) -> requests.Response:
    """Upload and enqueue in one request."""
    return user.post(
        f"/api/v1/books/{user.book_id}/chapters/from-pdf",
        data={"title": "Hostile"},
        files={"file": ("a.pdf", pdf)},
    )


def end(user: Client, pdf: bytes) -> Json:
    response = send(user, pdf)
    assert response.status_code == 202, response.text
    job = user.end_of(response.json()["job_id"], 90)
    check_end(user, job)
    return job


@pytest.mark.parametrize(
    "build",
    [content_bomb_pdf, image_bomb_pdf, hanging_pdf, nested_forms_pdf, lambda: wordy_pdf(300_000)],
    ids=[
        "a gigabyte of content",
        "a gigabyte of image",
        "endless tiles",
        "endless nested forms",
        "more words than memory",
    ],
)
def test_a_page_that_takes_too_much_ends_its_own_job_while_others_are_rendered(
    user: Client, build: Callable[[], bytes]
) -> None:
    hostile = send(user, build()).json()["job_id"]
    assert end(user, photo_pdf())["status"] == "completed"
    job = user.end_of(hostile, 90)
    check_end(user, job)
    assert job["status"] == "completed" or re.fullmatch(
        "Page 1 took longer than 2 s|Out of memory", job["error"]
    ), job


@pytest.mark.parametrize(
    "pdf",
    [page_pdf(b"0 0 1 rg 9 9 5000 5000 re f", width=14_000, height=14_000), wide_pdf()],
    ids=["large", "long and narrow"],
)
def test_a_huge_page_is_rendered_smaller(user: Client, pdf: bytes) -> None:
    job = end(user, pdf)
    assert job["status"] == "completed", job
    page = user.chapter(job)["pages"][0]
    assert 0 < page["width"] * page["height"] <= MAX_PIXELS


def test_a_pdf_of_too_many_pages_is_refused_and_told_the_limit(user: Client) -> None:
    response = send(user, many_pages_pdf(20_000))
    assert (response.status_code, response.json()) == (
        422,
        {"detail": "PDF has 20000 pages, more than the limit of 2000"},
    )


@pytest.mark.parametrize(
    "pdf",
    [
        false_count_pdf(2_000_000_000),
        false_count_pdf(-1),
        xref_bomb_pdf(),
        truncated(text_pdf(3), 0.01),
    ],
    ids=["too many", "negative", "a gigabyte of cross-references", "cut off at its start"],
)
def test_a_pdf_without_a_page_that_can_be_found_is_refused(user: Client, pdf: bytes) -> None:
    response = send(user, pdf)
    assert (response.status_code, response.json()) == (
        400,
        {"detail": "PDF is damaged and cannot be opened"},
    )


def test_a_page_tree_that_contains_itself_fails_the_job(user: Client) -> None:
    error = end(user, circular_pages_pdf())["error"]
    assert re.fullmatch("Page [123] is damaged and cannot be rendered", error), error


@pytest.mark.parametrize(
    "pdf",
    [
        circular_form_pdf(),
        without_xref(text_pdf(3)),
        truncated(text_pdf(3), 0.9),
        truncated(text_pdf(3), 0.5),
    ],
    ids=[
        "a form that draws itself",
        "no cross-references",
        "cut off near its end",
        "cut off in the middle",
    ],
)
def test_what_can_be_saved_of_a_damaged_pdf_becomes_a_chapter(user: Client, pdf: bytes) -> None:
    assert end(user, pdf)["status"] == "completed"


def test_many_damaged_pdfs_are_refused_or_end_with_the_right_message(
    target: ServerProcess,
) -> None:
    clients = [Client(target.url, f"fuzzer-{number}") for number in range(CLIENTS)]
    uploads_before = len(list((target.data / "uploads").iterdir()))
    chapters_before = len(published(target.data))
    numbered = list(enumerate(mutations(MUTATIONS, seed=20261124)))
    batches = [numbered[start : start + BATCH] for start in range(0, MUTATIONS, BATCH)]

    def run(number: int) -> list[str]:
        return [
            one for batch in batches[number::CLIENTS] for one in outcomes_of(clients[number], batch)
        ]

    with ThreadPoolExecutor(CLIENTS) as threads:
        outcomes = [one for some in threads.map(run, range(CLIENTS)) for one in some]
    assert len(outcomes) == MUTATIONS and {"completed", "refused"} <= set(outcomes)
    assert len(published(target.data)) - chapters_before == outcomes.count("completed")
    uploads = list((target.data / "uploads").iterdir())
    assert len(uploads) - uploads_before == MUTATIONS - outcomes.count("refused")
    assert end(clients[0], text_pdf(3))["status"] == "completed"


def outcomes_of(client: Client, batch: list[tuple[int, bytes]]) -> list[str]:
    """Send a batch, then see how each PDF has ended."""
    responses = [(number, send(client, pdf)) for number, pdf in batch]
    return [outcome(client, number, response) for number, response in responses]


def outcome(client: Client, number: int, response: requests.Response) -> str:
    if response.status_code != 202:
        allowed = REFUSALS.get(response.status_code, "")
        assert re.fullmatch(allowed, response.json()["detail"]), (
            f"mutation {number}: {response.text}"
        )
        return "refused"
    job = client.end_of(response.json()["job_id"], 90)
    assert job["status"] == "completed" or re.fullmatch(ERRORS, job["error"]), (
        f"mutation {number}: {job}"
    )
    status: str = job["status"]
    return status
