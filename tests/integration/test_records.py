"""Records of other releases and programs are read as far as possible, and skipped otherwise."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymongo import ASCENDING

from tests.conftest import StartServer
from tests.integration.conftest import Records
from tests.support.client import Client
from tests.support.leftovers import check_end
from tests.support.pdfs import photo_pdf
from tests.support.server import ServerProcess

NewDocument = Callable[..., dict[str, Any]]
JOBS, BOOKS, CHAPTERS, FILES = "pdf_chapter_jobs", "books", "book_chapters", "user_files"
NOW = datetime(2026, 2, 8, 0, 10, 28, 325_000, tzinfo=UTC)


def test_a_completed_job_with_only_the_documented_fields_is_shown_in_full(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
    new_job_document: NewDocument,
) -> None:
    user = Client(start_server(shared).url, "somebody")
    result = {"chapter_id": "c2b1f7e4-7b7a-4a55-9d0e-5a4f6e1c7d22", "total_pages": 7}
    document = new_job_document(
        user_id="somebody",
        status="completed",
        progress=100,
        message="Chapter created successfully with 7 pages",
        result=result,
        error=None,
        updated_at=NOW,
        completed_at=NOW,
    )
    records[JOBS].insert_one(document)
    job = user.job(document["job_id"])
    assert job["result"] == result and job["completed_at"] == "2026-02-08T00:10:28.325Z"
    assert "error" not in job
    assert user.get("/api/v1/books/jobs").json()["jobs"] == [job]
    assert user.get(f"/api/v1/books/jobs/{job['job_id']}/pages").json()["pages"] == []


def test_fields_that_a_newer_release_has_written_change_nothing(
    start_server: StartServer, shared: dict[str, str], records: Records
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    job = user.end_of(user.submit(photo_pdf()))
    before = [user.get(path).json() for path in paths(user, job)]
    assert server.stop() == 0
    for collection in (JOBS, BOOKS, CHAPTERS, FILES):
        new = {"$set": {"a_new_field": {"of": ["another", "shape"]}}}
        assert records[collection].update_many({}, new).matched_count
    records[CHAPTERS].update_many({}, {"$set": {"pages.0.a_new_field": 1}})
    records[JOBS].update_many({}, {"$set": {"request.a_new_field": 1}})
    server.start()
    after = [user.get(path).json() for path in paths(user, job)]
    assert without_signatures(after) == without_signatures(before)
    check_end(user, job)


def paths(user: Client, job: dict[str, Any]) -> list[str]:
    book = f"/api/v1/books/{user.book_id}"
    return [
        f"/api/v1/books/jobs/{job['job_id']}",
        "/api/v1/books/jobs",
        "/api/v1/books",
        book,
        f"{book}/chapters",
        f"{book}/chapters/{job['result']['chapter_id']}",
    ]


def without_signatures(bodies: list[Any]) -> str:
    return str(bodies).partition("signature=")[0]


def unreadable(collection: str) -> dict[str, Any]:
    """A document that a query for the user finds, and nobody can read."""
    return {
        "job_id": "unreadable",
        "book_id": "unreadable",
        "chapter_id": "unreadable",
        "file_id": "unreadable",
        "user_id": "somebody",
        "status": "processing" if collection == JOBS else 1,
        "title": ["not", "a", "title"],
        "slug": "unreadable",
        "created_at": NOW,
        "updated_at": "yesterday or so",
    }


def test_documents_that_cannot_be_read_are_logged_and_skipped(
    start_server: StartServer, shared: dict[str, str], records: Records
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    job = user.end_of(user.submit(photo_pdf()))
    server.kill()
    for collection in (JOBS, BOOKS, CHAPTERS, FILES):
        document = unreadable(collection)
        if collection == CHAPTERS:
            document["book_id"] = user.book_id
        records[collection].insert_one(document)
    server.start()
    assert [found["job_id"] for found in user.get("/api/v1/books/jobs").json()["jobs"]] == [
        job["job_id"]
    ]
    books = user.get("/api/v1/books").json()["books"]
    assert [book["book_id"] for book in books] == [user.book_id]
    chapters = user.get(f"/api/v1/books/{user.book_id}/chapters").json()["chapters"]
    assert [found["chapter_id"] for found in chapters] == [job["result"]["chapter_id"]]
    response = user.get("/api/v1/books/jobs/unreadable")
    assert response.status_code == 500
    assert response.json() == {"detail": "Failed to get job status: the record cannot be read"}
    for collection in (JOBS, BOOKS, CHAPTERS):
        assert f"{collection}: the document" in server.log
    assert user.end_of(user.submit(photo_pdf()))["status"] == "completed"


def test_an_index_that_serves_is_taken_whatever_its_name(
    start_server: StartServer, shared: dict[str, str], records: Records
) -> None:
    records[JOBS].create_index("job_id", unique=True, name="ix_jobs_by_id")
    start_server(shared)
    names = set(records[JOBS].index_information())
    assert "ix_jobs_by_id" in names and "job_id_1" not in names


def test_an_index_that_does_not_serve_stops_the_start_with_its_name(
    tmp_path: Path, shared: dict[str, str], records: Records
) -> None:
    records[JOBS].create_index([("job_id", ASCENDING)], name="ix_not_unique")
    line = ServerProcess(tmp_path, shared).refusal()
    assert JOBS in line and "ix_not_unique" in line


def test_duplicates_that_keep_a_unique_index_from_being_created_are_named(
    tmp_path: Path, shared: dict[str, str], records: Records
) -> None:
    records[BOOKS].insert_many([{"book_id": "same"}, {"book_id": "same"}])
    line = ServerProcess(tmp_path, shared).refusal()
    assert f"{BOOKS}.book_id_1" in line and "duplicate" in line
