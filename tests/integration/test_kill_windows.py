"""The worst moments for a kill, between two writes, made by hand: what the next start does."""

from tests.conftest import StartServer
from tests.integration.conftest import Records
from tests.support.client import Client, Json
from tests.support.leftovers import check_end, published, staged
from tests.support.pdfs import photo_pdf, text_pdf

RESTARTED = "Server restarted while the job was running"


def back_to(records: Records, job: Json, status: str, progress: int) -> None:
    """The job's record as it was before."""
    before = {
        "$set": {"status": status, "progress": progress},
        "$unset": {"completed_at": "", "result": ""},
    }
    updated = records["pdf_chapter_jobs"].update_one({"job_id": job["job_id"]}, before)
    assert updated.matched_count == 1


def test_pages_without_a_chapter_go_and_their_jobs_fail(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    """Killed after the pages were written or moved, while their index was written, and before the
    chapter was recorded.
    """
    server = start_server(shared)
    user = Client(server.url, "somebody")
    moments = [
        ("chapters", "processing", 99),
        ("staging", "processing", 99),
        ("staging", "pending", 0),
    ]
    jobs = [user.end_of(user.submit(text_pdf(2))) for _ in moments]
    server.kill()
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
    assert staged(server.data) == [] and published(server.data) == []
    retried = user.post(f"/api/v1/books/jobs/{jobs[0]['job_id']}/retry").json()
    check_end(user, user.end_of(retried["job_id"]))


def test_a_job_that_died_after_its_chapter_was_in_place_is_completed(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    job = user.end_of(user.submit(text_pdf(3)))
    server.kill()
    back_to(records, job, "processing", 99)
    server.start()
    swept = user.job(job["job_id"])
    assert swept["status"] == "completed" and swept["result"] == job["result"]
    check_end(user, swept)


def test_what_becomes_of_a_job_whose_upload_is_gone(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    file_id = user.upload(photo_pdf()).json()["file_id"]
    (server.data / "uploads" / f"{file_id}.pdf").unlink()
    job = user.end_of(user.enqueue(file_id).json()["job_id"])
    assert (job["status"], job["error"]) == ("failed", "The uploaded PDF is no longer there")
    records["user_files"].delete_one({"file_id": file_id})
    retried = user.post(f"/api/v1/books/jobs/{job['job_id']}/retry")
    assert (retried.status_code, retried.json()) == (404, {"detail": f"File {file_id} not found"})


def test_a_chapter_that_its_owner_removed_takes_nothing_else_with_it(
    start_server: StartServer,
) -> None:
    server = start_server()
    user = Client(server.url, "somebody")
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
    assert published(server.data) == [kept["result"]["chapter_id"]]
    check_end(user, kept)
