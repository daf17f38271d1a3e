"""A page that cannot be rendered: it fails its job, or becomes a placeholder in its chapter."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from tests.support.client import Client
from tests.support.command import Program
from tests.support.leftovers import check_end, staged
from tests.support.pdfs import hanging_pdf, photo_pdf, stuck_pdf
from tests.support.server import ServerProcess
from wordai_jobs import client as package

PROBLEM = "Page 3 took longer than 1 s"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that gives a page one second."""
    settings = {"rendering.page_timeout_s": 1, "rendering.dpi": 72, "rendering.processes": 2}
    server = ServerProcess(tmp_path_factory.mktemp("strict"), settings).start().wait_until_ready()
    yield server
    assert server.stop() == 0


@pytest.fixture
def user(strict: ServerProcess) -> Client:
    return Client(strict.url, f"user-{uuid4().hex[:8]}")


@pytest.fixture
def file_id(user: Client) -> str:
    """Five pages, the third of which takes hours."""
    uploaded: str = user.upload(stuck_pdf(2, 4)).json()["file_id"]
    return uploaded


def retry(user: Client, job_id: str, on_bad_page: str | None = None) -> str:
    body = {"json": {"on_bad_page": on_bad_page}} if on_bad_page else {}
    response = user.post(f"/api/v1/books/jobs/{job_id}/retry", **body)
    assert response.status_code == 202, response.text
    new_id: str = response.json()["job_id"]
    return new_id


def test_a_bad_page_is_blank_and_says_why_if_the_job_asks_for_it(
    user: Client, file_id: str
) -> None:
    job_id = user.enqueue(file_id, on_bad_page="placeholder").json()["job_id"]
    progress = [response.json()["progress"] for response in user.responses(job_id)]
    assert progress == sorted(progress)
    job = user.job(job_id)
    assert job["message"] == "Chapter created successfully with 5 pages"
    check_end(user, job)
    chapter = user.chapter(job)
    assert [page.get("problem") for page in chapter["pages"]] == [None, None, PROBLEM, None, None]
    keys = ["page_number", "background_url", "width", "height", "thumbnail_url"]
    assert list(chapter["pages"][2]) == [*keys, "problem", "label", "elements"]
    assert list(chapter["pages"][3]) == [*keys, "label", "elements"]
    shown = user.get(f"/api/v1/books/jobs/{job_id}/pages").json()["pages"]
    assert shown == [
        {key: value for key, value in page.items() if key not in ("label", "elements")}
        for page in chapter["pages"]
    ]
    small = Image.open(BytesIO(user.get(shown[2]["thumbnail_url"]).content))
    assert 160 <= small.width <= 200
    address = f"/api/v1/books/{user.book_id}/chapters/{chapter['chapter_id']}/pages"
    page = user.get(f"{address}/3").json()
    assert (page["problem"], page["text"], page["words"]) == (PROBLEM, "", [])
    assert (page["width"], page["height"]) == (612, 792), "the size of the page in the PDF"
    assert "page 3 of 4" in user.get(f"{address}/4").json()["text"]


def test_the_pages_of_a_part_are_counted_within_it(user: Client, file_id: str) -> None:
    failed = user.end_of(user.enqueue(file_id, first_page=2, last_page=4).json()["job_id"])
    assert failed["error"] == "Page 2 took longer than 1 s"
    job = user.end_of(retry(user, failed["job_id"], "placeholder"))
    assert job["result"]["total_pages"] == 3
    problems = [page.get("problem") for page in user.chapter(job)["pages"]]
    assert problems == [None, "Page 2 took longer than 1 s", None]


def test_a_form_asks_for_it_too(user: Client) -> None:
    response = user.post(
        f"/api/v1/books/{user.book_id}/chapters/from-pdf",
        data={"title": "A form", "on_bad_page": "placeholder"},
        files={"file": ("stuck.pdf", stuck_pdf(2, 4))},
    )
    job = user.end_of(response.json()["job_id"])
    assert user.chapter(job)["pages"][2]["problem"] == PROBLEM


def test_a_chapter_without_a_single_good_page_fails_all_the_same(
    strict: ServerProcess, user: Client
) -> None:
    job = user.end_of(user.submit(hanging_pdf(), on_bad_page="placeholder"))
    assert job["error"] == "Page 1 took longer than 1 s"
    assert staged(strict.data) == []


def test_a_failed_job_is_retried_with_bad_pages_left_blank(user: Client, file_id: str) -> None:
    failed = user.end_of(user.enqueue(file_id).json()["job_id"])
    assert failed["error"] == PROBLEM
    new_id = retry(user, failed["job_id"], "placeholder")
    assert retry(user, failed["job_id"], "placeholder") == new_id, "the same choice, the same job"
    assert retry(user, failed["job_id"]) not in (new_id, failed["job_id"]), "another choice"
    assert user.chapter(user.end_of(new_id))["pages"][2]["problem"] == PROBLEM


def test_a_retry_without_a_choice_does_as_the_failed_job(user: Client, file_id: str) -> None:
    job_id = user.enqueue(file_id, on_bad_page="placeholder").json()["job_id"]
    user.post(f"/api/v1/books/jobs/{job_id}/cancel")
    again = retry(user, job_id)
    assert retry(user, job_id, "placeholder") == again
    assert user.chapter(user.end_of(again))["pages"][2]["problem"] == PROBLEM


def test_what_to_do_about_bad_pages_is_one_of_the_fields_of_an_idempotency_key(
    user: Client,
) -> None:
    address = f"/api/v1/books/{user.book_id}/chapters/from-pdf"
    body = {"file_id": user.upload(photo_pdf()).json()["file_id"], "title": "Once"}
    key = {"Idempotency-Key": "same"}
    first = user.post(address, json=body, headers=key)
    default = user.post(address, json={**body, "on_bad_page": "fail"}, headers=key)
    assert default.json()["job_id"] == first.json()["job_id"]
    other = user.post(address, json={**body, "on_bad_page": "placeholder"}, headers=key)
    assert other.status_code == 422 and "Idempotency-Key" in other.json()["detail"]


@pytest.mark.parametrize("value", ["skip", "", True, 0, ["fail"]], ids=repr)
def test_another_choice_for_bad_pages_is_refused(user: Client, value: object) -> None:
    failed = user.submit(hanging_pdf())
    user.post(f"/api/v1/books/jobs/{failed}/cancel")
    for response in (
        user.enqueue("file_1", on_bad_page=value),
        user.post(f"/api/v1/books/jobs/{failed}/retry", json={"on_bad_page": value}),
    ):
        assert response.status_code == 422 and "on_bad_page" in response.json()["detail"], value


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [(b"{", 400, "The body is not valid JSON"), (b"[]", 422, "The body must be a JSON object")],
)
def test_a_retry_with_a_body_that_cannot_be_read_is_refused(
    user: Client, body: bytes, status: int, detail: str
) -> None:
    failed = user.submit(hanging_pdf())
    user.post(f"/api/v1/books/jobs/{failed}/cancel")
    response = user.post(f"/api/v1/books/jobs/{failed}/retry", data=body)
    assert (response.status_code, response.json()) == (status, {"detail": detail})


def test_the_python_client_asks_for_it_and_tells_which_pages_are_blank(
    strict: ServerProcess, user: Client, tmp_path: Path
) -> None:
    pdf = tmp_path / "stuck.pdf"
    pdf.write_bytes(stuck_pdf(2, 4))
    with package.Client(strict.url, user.token) as client:
        failed = client.wait(client.submit(pdf, user.book_id, "Strict").job_id)
        assert failed.error == PROBLEM
        retried = client.retry(failed.job_id, on_bad_page="placeholder")
        submitted = client.submit(pdf, user.book_id, "Lenient", on_bad_page="placeholder")
        for job in (retried, submitted):
            chapter_id = client.wait(job.job_id).chapter_id
            assert chapter_id
            chapter = client.chapter(user.book_id, chapter_id)
            blank = {page.page_number: page.problem for page in chapter.pages if page.problem}
            assert blank == {3: PROBLEM}
            assert client.page(user.book_id, chapter_id, 3).page.problem == PROBLEM


def test_the_command_line_asks_for_it(strict: ServerProcess, user: Client, tmp_path: Path) -> None:
    (tmp_path / "stuck.pdf").write_bytes(stuck_pdf(2, 4))
    program = Program(tmp_path, {"WORDAI_URL": strict.url, "WORDAI_TOKEN": user.token})
    submit = ("submit", "stuck.pdf", "--book", user.book_id, "--wait", "--json")
    failed = json.loads(program.run(*submit, expect=1).stdout)
    assert failed["error"] == PROBLEM
    choice = ("--on-bad-page", "placeholder")
    for command in (submit, ("retry", failed["job_id"], "--wait", "--json")):
        job = json.loads(program.run(*command, *choice).stdout)
        assert user.chapter(job)["pages"][2]["problem"] == PROBLEM
    assert "fail" in program.run(*submit, "--on-bad-page", "skip", expect=2).stderr
