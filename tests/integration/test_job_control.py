"""Cancel, retry, idempotency keys and limits."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests

from tests.support.client import Client
from tests.support.held import hanging_job
from tests.support.leftovers import check_end, files, staged
from tests.support.pdfs import hanging_pdf, photo_pdf, text_pdf
from tests.support.server import ServerProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long_file(40)

LIMITS = {
    "jobs.workers": 2,
    "jobs.max_queued": 6,
    "limits.max_active_jobs_per_user": 5,
    "rendering.page_timeout_s": 120,
    "rendering.dpi": 72,
}


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with two workers, room for few jobs, and pages that may take long."""
    server = ServerProcess(tmp_path_factory.mktemp("limited"), LIMITS).start().wait_until_ready()
    yield server
    assert server.stop() == 0


@pytest.fixture
def user(limited: ServerProcess) -> Iterator[Client]:
    client = Client(limited.url, f"user-{uuid4().hex[:8]}")
    yield client
    cancel_all(client)


@pytest.fixture
def other(limited: ServerProcess) -> Iterator[Client]:
    client = Client(limited.url, f"other-{uuid4().hex[:8]}")
    yield client
    cancel_all(client)


@pytest.fixture
def hang(limited: ServerProcess, user: Client) -> Callable[[], str]:
    """Makes a job of the user that goes on until it is stopped."""
    return lambda: hanging_job(user, limited)


def cancel_all(client: Client) -> None:
    for status in ("pending", "processing"):
        for job in client.get(f"/api/v1/books/jobs?status={status}&limit=100").json()["jobs"]:
            client.post(f"/api/v1/books/jobs/{job['job_id']}/cancel")


def cancel(client: Client, job_id: str) -> tuple[int, str]:
    response = client.post(f"/api/v1/books/jobs/{job_id}/cancel")
    return response.status_code, response.json().get("error") or response.json()["detail"]


def test_a_running_job_is_cancelled_within_seconds_and_leaves_nothing(
    limited: ServerProcess,
    user: Client,
    hang: Callable[[], str],
) -> None:
    uploads_before = files(limited.data)
    job_id = hang()
    response = user.post(f"/api/v1/books/jobs/{job_id}/cancel")
    job = response.json()
    assert response.status_code == 200, "if it took more than 10 s, it would be a 503"
    assert (job["status"], job["error"]) == ("failed", "Cancelled by user")
    assert job["message"] == "PDF processing failed: Cancelled by user"
    assert job["progress"] == 30 and job["failed_at"] == job["updated_at"]
    assert staged(limited.data) == []
    assert len(files(limited.data) - uploads_before) == 1, "only the upload stays"
    assert user.job(job_id) == job
    assert user.end_of(user.submit(photo_pdf()))["status"] == "completed", "the child is free again"


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(
    user: Client, hang: Callable[[], str]
) -> None:
    running = [hang(), hang()]
    waiting = user.submit(photo_pdf())
    response = user.get(f"/api/v1/books/jobs/{waiting}")
    assert response.json()["status"] == "pending" and response.headers["X-Queue-Position"] == "1"
    assert cancel(user, waiting) == (200, "Cancelled by user")
    assert user.job(waiting)["progress"] == 0
    assert all(user.job(job_id)["status"] == "processing" for job_id in running)


def test_a_job_that_has_ended_cannot_be_cancelled(user: Client, hang: Callable[[], str]) -> None:
    job_id = user.submit(photo_pdf())
    check_end(user, user.end_of(job_id))
    assert cancel(user, job_id) == (409, "Job has already completed")
    stopped = hang()
    assert cancel(user, stopped)[0] == 200
    assert cancel(user, stopped) == (409, "Job has already failed")


def test_two_cancels_at_once_have_one_outcome(user: Client, hang: Callable[[], str]) -> None:
    job_id = hang()
    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(lambda _: cancel(user, job_id), range(4)))
    assert (200, "Cancelled by user") in outcomes
    assert set(outcomes) <= {(200, "Cancelled by user"), (409, "Job has already failed")}
    assert user.job(job_id)["error"] == "Cancelled by user"


def test_cancel_against_completion_leaves_one_outcome(limited: ServerProcess, user: Client) -> None:
    pdf = user.upload(text_pdf(3)).json()["file_id"]
    for _ in range(12):
        job_id = user.enqueue(pdf).json()["job_id"]
        status, words = cancel(user, job_id)
        job = user.end_of(job_id)
        assert (status == 200) is (job["status"] == "failed")
        assert (words == "Cancelled by user") is (status == 200)
        check_end(user, job)
    assert staged(limited.data) == []


def test_a_failed_job_is_retried_from_the_same_inputs(user: Client) -> None:
    failed = user.submit(hanging_pdf(), title="Tried twice", order_index=7)
    assert cancel(user, failed)[0] == 200
    response = user.post(f"/api/v1/books/jobs/{failed}/retry")
    new = response.json()
    assert response.status_code == 202 and new["job_id"] != failed and new["status"] == "pending"
    assert response.headers["Location"].endswith(new["job_id"]) and response.headers["Retry-After"]
    assert user.job(failed)["status"] == "failed"
    assert cancel(user, new["job_id"])[0] == 200
    again = user.post(f"/api/v1/books/jobs/{failed}/retry")
    assert again.status_code == 202 and again.json()["job_id"] not in (failed, new["job_id"])


def test_a_job_that_has_not_failed_cannot_be_retried(user: Client) -> None:
    job_id = user.submit(photo_pdf())
    user.end_of(job_id)
    response = user.post(f"/api/v1/books/jobs/{job_id}/retry")
    assert response.status_code == 409 and "completed" in response.json()["detail"]


def test_two_retries_at_once_make_one_job(user: Client, hang: Callable[[], str]) -> None:
    failed = hang()
    assert cancel(user, failed)[0] == 200
    with ThreadPoolExecutor(4) as threads:
        responses = list(
            threads.map(lambda _: user.post(f"/api/v1/books/jobs/{failed}/retry"), range(4))
        )
    assert {response.status_code for response in responses} == {202}
    assert len({response.json()["job_id"] for response in responses}) == 1


def test_an_idempotency_key_sent_20_times_at_once_makes_one_job(user: Client) -> None:
    file_id = user.upload(photo_pdf()).json()["file_id"]
    body = {"file_id": file_id, "title": "Once"}
    address = f"/api/v1/books/{user.book_id}/chapters/from-pdf"
    with ThreadPoolExecutor(20) as threads:
        same = {"json": body, "headers": {"Idempotency-Key": "k 1"}}
        responses = list(threads.map(lambda _: user.post(address, **same), range(20)))
    assert {response.status_code for response in responses} == {202}
    assert len({response.json()["job_id"] for response in responses}) == 1
    replayed = [response.headers.get("Idempotency-Replayed") for response in responses]
    assert sorted(replayed, key=str) == sorted([None, *["true"] * 19], key=str)
    assert len(user.get("/api/v1/books/jobs").json()["jobs"]) == 1
    user.end_of(responses[0].json()["job_id"])
    later = user.post(address, json=body, headers={"Idempotency-Key": "k 1"})
    assert later.status_code == 202 and later.json()["status"] == "completed"


def test_an_idempotency_key_with_other_fields_is_refused(user: Client, other: Client) -> None:
    def enqueue(caller: Client, file_id: str, title: str) -> requests.Response:
        address = f"/api/v1/books/{caller.book_id}/chapters/from-pdf"
        body = {"file_id": file_id, "title": title}
        return caller.post(address, json=body, headers={"Idempotency-Key": "same"})

    file_id = user.upload(photo_pdf()).json()["file_id"]
    assert enqueue(user, file_id, "One").status_code == 202
    changed = enqueue(user, file_id, "Two")
    assert changed.status_code == 422 and "Idempotency-Key" in changed.json()["detail"]
    theirs = other.upload(photo_pdf()).json()["file_id"]
    assert "Idempotency-Replayed" not in enqueue(other, theirs, "One").headers


def test_an_idempotency_key_with_the_pdf_itself_keeps_one_copy(
    limited: ServerProcess, user: Client
) -> None:
    address, before = f"/api/v1/books/{user.book_id}/chapters/from-pdf", files(limited.data)
    responses = [
        user.post(
            address,
            data={"title": "Once"},
            files={"file": ("a.pdf", photo_pdf())},
            headers={"Idempotency-Key": "m"},
        )
        for _ in range(3)
    ]
    assert len({response.json()["job_id"] for response in responses}) == 1
    user.end_of(responses[0].json()["job_id"])
    assert len([name for name in files(limited.data) - before if name.startswith("uploads")]) == 1


def test_a_user_with_too_many_jobs_is_told_the_limit_and_others_are_not_kept_out(
    user: Client, other: Client
) -> None:
    file_id = user.upload(hanging_pdf()).json()["file_id"]
    responses = [user.enqueue(file_id) for _ in range(6)]
    assert [response.status_code for response in responses] == [202] * 5 + [429]
    assert "5" in responses[-1].json()["detail"] and int(responses[-1].headers["Retry-After"]) > 0
    assert other.enqueue(other.upload(photo_pdf()).json()["file_id"]).status_code == 202


def test_a_full_queue_is_answered_503_and_takes_nothing(
    limited: ServerProcess, user: Client, other: Client
) -> None:
    mine = user.upload(hanging_pdf()).json()["file_id"]
    theirs = other.upload(hanging_pdf()).json()["file_id"]
    taken = [user.enqueue(mine).status_code for _ in range(5)]
    wait_until(lambda: len(other.get("/api/v1/books/jobs?limit=1").json()["jobs"]) == 0)
    responses = [other.enqueue(theirs) for _ in range(4)]
    refused = [response for response in responses if response.status_code == 503]
    assert taken == [202] * 5 and refused, [response.status_code for response in responses]
    assert "queue" in refused[0].json()["detail"] and int(refused[0].headers["Retry-After"]) > 0
    assert len(other.get("/api/v1/books/jobs").json()["jobs"]) == len(responses) - len(refused)


def test_another_user_does_not_wait_for_one_users_many_jobs(
    user: Client, other: Client, hang: Callable[[], str]
) -> None:
    running = [hang(), hang()]
    for _ in range(3):
        user.submit(hanging_pdf())  # each would keep its worker forever
    small = other.submit(photo_pdf())
    for job_id in running:  # one of the waiting jobs may go before the small one, not two
        assert cancel(user, job_id)[0] == 200
    assert other.end_of(small)["status"] == "completed"
