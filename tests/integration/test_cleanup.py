"""What nobody needs any more goes; what somebody may still read stays."""

import os
import time
from datetime import UTC, datetime, timedelta

from tests.conftest import StartServer
from tests.integration.conftest import Records
from tests.support.client import Client
from tests.support.leftovers import check_end, files, published, staged
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.waiting import wait_until

WEEK_S = 604_800
LONG_AGO = datetime.now(UTC) - timedelta(days=8)


def test_the_jobs_have_their_indexes_and_the_documented_fields(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    user = Client(start_server(shared).url, "somebody")
    done = user.end_of(user.submit(photo_pdf()))
    indexes = records["pdf_chapter_jobs"].index_information()
    by_key = {tuple(index["key"]): index for name, index in indexes.items() if name != "_id_"}
    assert set(by_key) == {
        (("job_id", 1),),
        (("user_id", 1), ("status", 1)),
        (("created_at", 1),),
        (("updated_at", 1),),
        (("status", 1),),
        (("user_id", 1), ("idempotency_key", 1)),
    }
    by_idempotency_key = by_key[(("user_id", 1), ("idempotency_key", 1))]
    assert by_idempotency_key["unique"] and by_idempotency_key["partialFilterExpression"]
    assert (
        by_key[(("job_id", 1),)]["unique"]
        and by_key[(("created_at", 1),)]["expireAfterSeconds"] == WEEK_S
    )
    document = records["pdf_chapter_jobs"].find_one({"job_id": done["job_id"]})
    assert (
        document
        and document["result"] == done["result"]
        and isinstance(document["completed_at"], datetime)
    )
    chapter = records["book_chapters"].find_one({"chapter_id": done["result"]["chapter_id"]})
    assert chapter and list(chapter["pages"][0]) == [
        "page_number",
        "background_url",
        "width",
        "height",
        "elements",
    ]


def test_the_time_that_jobs_are_kept_follows_the_setting(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    server = start_server(shared)
    server.stop()
    start_server({**shared, "storage.data_dir": str(server.data), "jobs.retention_days": 3})
    assert (
        records["pdf_chapter_jobs"].index_information()["created_at_1"]["expireAfterSeconds"]
        == 3 * 86_400
    )


def test_uploads_past_their_time_go_unless_a_chapter_was_made_from_them(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    unused = user.upload(text_pdf(1)).json()["file_id"]
    fresh = user.upload(text_pdf(2)).json()["file_id"]
    used = user.upload(photo_pdf()).json()["file_id"]
    job = user.end_of(user.enqueue(used).json()["job_id"])
    assert server.stop() == 0
    records["user_files"].update_many(
        {"file_id": {"$in": [unused, used]}}, {"$set": {"created_at": LONG_AGO}}
    )
    server.start()
    wait_until(lambda: user.get(f"/api/v1/files/{unused}").status_code == 404)
    wait_until(lambda: f"uploads/{unused}.pdf" not in files(server.data))
    assert {name for name in files(server.data) if name.startswith("uploads")} == {
        f"uploads/{fresh}.pdf",
        f"uploads/{used}.pdf",
    }
    check_end(user, user.job(job["job_id"]))


def test_files_that_belong_to_nothing_go_and_those_of_chapters_stay(
    start_server: StartServer,
    shared: dict[str, str],
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    job = user.end_of(user.submit(photo_pdf()))
    assert server.stop() == 0
    for stray in (server.data / "staging" / "stray", server.data / "chapters" / "stray"):
        stray.mkdir()
        (stray / "00001.png").write_bytes(b"page")
    (server.data / "uploads" / "file_1.a-server-that-died.part").write_bytes(b"half an upload")
    unrecorded = server.data / "uploads" / "file_2.pdf"
    unrecorded.write_bytes(b"never recorded")
    two_hours_ago = time.time() - 7200
    os.utime(unrecorded, (two_hours_ago, two_hours_ago))
    server.start()
    wait_until(
        lambda: len([name for name in files(server.data) if name.startswith("uploads")]) == 1
    )
    assert staged(server.data) == [] and published(server.data) == [job["result"]["chapter_id"]]
    check_end(user, user.job(job["job_id"]))


def test_a_job_that_died_after_its_chapter_was_in_place_is_completed(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    job = user.end_of(user.submit(text_pdf(3)))
    server.kill()
    as_if_killed_before_the_last_write = {
        "$set": {
            "status": "processing",
            "progress": 99,
            "message": "Processed 3 pages. Creating chapter...",
        },
        "$unset": {"completed_at": "", "result": ""},
    }
    records["pdf_chapter_jobs"].update_one(
        {"job_id": job["job_id"]}, as_if_killed_before_the_last_write
    )
    server.start()
    swept = user.job(job["job_id"])
    assert swept["status"] == "completed" and swept["result"] == job["result"]
    check_end(user, swept)
