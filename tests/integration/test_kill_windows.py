"""The worst moments for a kill, between two writes, made by hand: what the next start does."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pymongo
import pytest
import requests

from tests.conftest import StartServer
from tests.integration.conftest import Records
from tests.support.client import Client, Json
from tests.support.databases import own_database
from tests.support.leftovers import check_end, published, staged
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.server import EMBEDDED, ServerProcess

pytestmark = pytest.mark.long_file(25)

RESTARTED = "Server restarted while the job was running"


def back_to(records: Records, job: Json, status: str, progress: int) -> None:
    """The job's record as it was before."""
    before = {
        "$set": {"status": status, "progress": progress},
        "$unset": {"completed_at": "", "result": ""},
    }
    updated = records["pdf_chapter_jobs"].update_one({"job_id": job["job_id"]}, before)
    assert updated.matched_count == 1


def test_a_start_completes_jobs_whose_chapter_is_in_place_and_fails_the_others(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    """Killed after the pages were written or moved, while their index was written, before the
    chapter was recorded, and after that, when the book did not know yet of its index.
    """
    server = start_server(shared)
    user = Client(server.url, "somebody")
    moments = [
        ("chapters", "processing", 99),
        ("staging", "processing", 99),
        ("staging", "pending", 0),
    ]
    *jobs, in_place = [user.end_of(user.submit(text_pdf(2))) for _ in range(len(moments) + 1)]
    server.kill()
    back_to(records, in_place, "processing", 99)
    records["books"].update_one({"book_id": user.book_id}, {"$set": {"next_order_index": 0}})
    for (place, status, progress), job in zip(moments, jobs, strict=True):
        back_to(records, job, status, progress)
        chapter_id = job["result"]["chapter_id"]
        records["book_chapters"].delete_one({"chapter_id": chapter_id})
        (server.data / "chapters" / chapter_id).rename(server.data / place / chapter_id)
    (server.data / "staging" / ".new-0123456789abcdef").write_bytes(b"the beginning of an index")
    server.start()
    for (_, _, progress), job in zip(moments, jobs, strict=True):
        swept = user.job(job["job_id"])
        assert (swept["status"], swept["error"]) == ("failed", RESTARTED)
        assert swept["progress"] == progress
    completed = user.job(in_place["job_id"])
    assert completed["status"] == "completed" and completed["result"] == in_place["result"]
    check_end(user, completed)
    assert staged(server.data) == []
    assert published(server.data) == [in_place["result"]["chapter_id"]]
    retried = user.post(f"/api/v1/books/jobs/{jobs[0]['job_id']}/retry").json()
    check_end(user, user.end_of(retried["job_id"]))
    new = user.end_of(user.submit(text_pdf(1)))
    assert user.chapter(new)["order_index"] == user.chapter(in_place)["order_index"] + 1


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return own_database()


@pytest.fixture(scope="module")
def living(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]
) -> Iterator[ServerProcess]:
    """A server that is not killed."""
    own = {**settings, "rendering.processes": 1, "rendering.dpi": 72}
    running = ServerProcess(tmp_path_factory.mktemp("living"), own).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def its_records(settings: dict[str, str]) -> Iterator[Records]:
    with pymongo.MongoClient[dict[str, Any]](settings["mongodb.uri"]) as client:
        yield client[settings["mongodb.database"]]


def test_what_becomes_of_a_job_whose_upload_is_gone(
    living: ServerProcess, its_records: Records
) -> None:
    user = Client(living.url, "unlucky")
    file_id = user.upload(photo_pdf()).json()["file_id"]
    (living.data / "uploads" / f"{file_id}.pdf").unlink()
    job = user.end_of(user.enqueue(file_id).json()["job_id"])
    assert (job["status"], job["error"]) == ("failed", "The uploaded PDF is no longer there")
    its_records["user_files"].delete_one({"file_id": file_id})
    retried = user.post(f"/api/v1/books/jobs/{job['job_id']}/retry")
    assert (retried.status_code, retried.json()) == (404, {"detail": f"File {file_id} not found"})


def test_a_chapter_that_its_owner_removed_takes_nothing_else_with_it(
    living: ServerProcess,
) -> None:
    user = Client(living.url, "remover")
    before = set(published(living.data))
    file_id = user.upload(photo_pdf()).json()["file_id"]
    gone, kept = (user.end_of(user.enqueue(file_id).json()["job_id"]) for _ in range(2))
    address = f"/api/v1/books/{user.book_id}/chapters/{gone['result']['chapter_id']}"
    assert user.request("DELETE", address).status_code == 204
    assert user.request("DELETE", address).status_code == 404
    assert user.job(gone["job_id"]) == gone, "what has happened has happened"
    assert user.get(f"/api/v1/books/jobs/{gone['job_id']}/pages").json() == {
        "total_pages": 1,
        "pages": [],
    }
    assert set(published(living.data)) - before == {kept["result"]["chapter_id"]}
    check_end(user, kept)


def test_the_order_of_a_book_of_an_older_release_goes_on(
    living: ServerProcess, its_records: Records
) -> None:
    user = Client(living.url, "loyal")
    file_id = user.upload(photo_pdf()).json()["file_id"]
    user.end_of(user.enqueue(file_id, order_index=4).json()["job_id"])
    without = {"$unset": {"next_order_index": ""}}
    assert its_records["books"].update_one({"book_id": user.book_id}, without).matched_count == 1
    new = [user.end_of(user.enqueue(file_id).json()["job_id"]) for _ in range(2)]
    assert [user.chapter(job)["order_index"] for job in new] == [5, 6]


def outline(user: Client, file_id: str, count: int, key: str) -> requests.Response:
    parts = [
        {"title": f"Part {number}", "first_page": 1, "last_page": 1} for number in range(count)
    ]
    path = f"/api/v1/books/{user.book_id}/chapters/from-outline"
    body = {"file_id": file_id, "parts": parts}
    return user.post(path, json=body, headers={"Idempotency-Key": key})


def test_an_outline_of_which_only_some_jobs_were_recorded_is_completed(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    """The database was killed while it recorded the jobs of one request."""
    server = start_server(shared)
    user = Client(server.url, "somebody")
    file_id = user.upload(photo_pdf()).json()["file_id"]
    ids = [job["job_id"] for job in outline(user, file_id, 5, "cut off").json()["jobs"]]
    for job_id in ids:
        user.end_of(job_id)
    server.kill()
    jobs = records["pdf_chapter_jobs"]
    for job_id in ids:
        back_to(records, {"job_id": job_id}, "pending", 0)
    rest = [jobs.find_one({"job_id": job_id}) for job_id in ids[1:]]
    first = {"$set": {"rest": rest, "rest_since": datetime.now(UTC)}}
    assert jobs.update_one({"job_id": ids[0]}, first).matched_count == 1
    assert jobs.delete_many({"job_id": {"$in": ids[2:]}}).deleted_count == 3
    records["book_chapters"].delete_many({})
    server.start()
    for job_id in ids:
        assert user.end_of(job_id)["error"] == RESTARTED
    again = outline(user, file_id, 5, "cut off")
    assert [job["job_id"] for job in again.json()["jobs"]] == ids
    assert again.headers["Idempotency-Replayed"] == "true"
    assert jobs.count_documents({"rest": {"$exists": True}}) == 0
    assert published(server.data) == []


def test_an_outline_whose_server_and_database_are_killed_has_all_jobs_or_none(
    start_server: StartServer,
) -> None:
    server = start_server({**EMBEDDED, "limits.max_active_jobs_per_user": 100})
    user = Client(server.url, "somebody")
    file_id, parts = user.upload(photo_pdf()).json()["file_id"], 60
    expected = 0
    for number, delay_s in enumerate((0.02, 0.05)):
        with ThreadPoolExecutor(1) as thread:
            sent = thread.submit(outline, user, file_id, parts, str(number))
            time.sleep(delay_s)
            server.kill()
            was_accepted = sent.exception() is None and sent.result().status_code == 202
        server.start()
        created = len(ids_of_all_jobs(user)) - expected
        assert created in (0, parts) and (created or not was_accepted)
        again = outline(user, file_id, parts, str(number)).json()["jobs"]
        expected += parts
        ids = ids_of_all_jobs(user)
        assert len(ids) == expected and {job["job_id"] for job in again} <= ids


def ids_of_all_jobs(user: Client) -> set[str]:
    ids, cursor = set[str](), ""
    while True:
        shown = user.get(f"/api/v1/books/jobs?limit=100{cursor}").json()
        ids |= {job["job_id"] for job in shown["jobs"]}
        if shown["next_cursor"] is None:
            return ids
        cursor = f"&cursor={shown['next_cursor']}"
