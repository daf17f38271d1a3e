"""Writes that come late or twice: the database decides, not the order of calls."""

import queue
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.collection import Collection

from tests.support.records import upload_of
from wordai_jobs.availability import handles_request
from wordai_jobs.clock import utc_now
from wordai_jobs.config import parse_config
from wordai_jobs.database.client import Database
from wordai_jobs.database.repository import Document
from wordai_jobs.errors import DatabaseError
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.jobs.threads.engine import ThreadEngine
from wordai_jobs.jobs.threads.live import JobAborted, LiveJob
from wordai_jobs.jobs.threads.orphan_sweep import Sweep
from wordai_jobs.jobs.threads.pipeline import Pipeline
from wordai_jobs.model.chapter import Chapter, Page
from wordai_jobs.model.job import CANCELLED, ChapterRequest, ErrorClass, Job, JobError, JobStatus
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.storage import FolderStorage


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    made = FolderStorage(DataFolder(tmp_path / "data"))
    made.folder.create()
    return made


@pytest.fixture
def job(database: Database) -> Job:
    """A recorded job that renders."""
    new = Job.enqueued(upload_of("alice", 3), "book", ChapterRequest("T", "t"), None)
    database.jobs.insert(new)
    rendering = new.fetching().opened()
    assert database.jobs.update(rendering)
    return rendering


def chapter_of(job: Job) -> Chapter:
    return Chapter(
        chapter_id=job.chapter_id,
        book_id=job.book_id,
        user_id=job.user_id,
        created_at=utc_now(),
        updated_at=utc_now(),
        slug="t",
        total_pages=1,
        pages=(Page(1, 10, 10),),
    )


def publish(storage: FolderStorage, job: Job) -> Path:
    (storage.pages.stage(job.chapter_id) / "00001.png").write_bytes(b"page")
    storage.pages.publish(job.chapter_id)
    return storage.folder.chapters / job.chapter_id


def test_a_late_report_of_progress_changes_nothing(database: Database, job: Job) -> None:
    early, late = job.rendered(1), job.rendered(1).rendered(2)
    assert database.jobs.update(late)
    assert not database.jobs.update(early)
    assert database.jobs.find(job.job_id) == late


def test_a_failing_job_cannot_complete_and_a_completed_one_cannot_fail(
    database: Database, job: Job
) -> None:
    failing = job.failing(CANCELLED)
    assert database.jobs.update(failing)
    assert not database.jobs.update(failing.written().completed())
    assert database.jobs.update(failing.failed(CANCELLED.message))
    assert not database.jobs.update(failing.failing(CANCELLED))


def test_failing_a_job_that_was_completed_meanwhile_leaves_its_chapter(
    database: Database, storage: FolderStorage, job: Job
) -> None:
    live = LiveJob(job, database.jobs, timeout_s=60)
    database.chapters.insert(chapter_of(job))
    pages = publish(storage, job)
    assert database.jobs.update(job.written().completed())
    pipeline = Pipeline(database, storage, None, JobMetrics())  # type: ignore[arg-type]
    pipeline.fail(live, CANCELLED)
    recorded = database.jobs.find(job.job_id)
    assert recorded and recorded.status is JobStatus.COMPLETED
    assert database.chapters.find(job.chapter_id) and pages.is_dir()


def test_a_job_that_was_failing_when_its_server_died_keeps_its_error(
    database: Database, storage: FolderStorage, job: Job
) -> None:
    error = JobError("Page 2 took longer than 30 s", ErrorClass.PAGE_TIMEOUT)
    assert database.jobs.update(job.failing(error))
    database.chapters.insert(chapter_of(job))
    pages = publish(storage, job)
    assert Sweep(database, storage).run() == 1
    recorded = database.jobs.find(job.job_id)
    assert recorded and (recorded.status, recorded.error) == (JobStatus.FAILED, error.message)
    assert database.chapters.find(job.chapter_id) is None and not pages.exists()


def test_one_idempotency_key_makes_one_record(database: Database, job: Job) -> None:
    first, second = (
        replace(
            Job.enqueued(upload_of("alice"), "book", ChapterRequest("T", "t"), None),
            idempotency_key="client:key",
            fingerprint="same",
        )
        for _ in range(2)
    )
    assert database.jobs.insert(first) and not database.jobs.insert(second)
    assert database.jobs.find_by_key("alice", "client:key") == first


def test_a_batch_that_another_request_completes_at_the_same_time_needs_one_place_only(
    shared: dict[str, str], database: Database
) -> None:
    """Each request may use the database once at a time: six that wait for a second place would
    wait for each other.
    """
    first, second = (
        Job.enqueued(upload_of("alice"), "book", ChapterRequest("T", "t"), None) for _ in range(2)
    )
    assert database.jobs.insert(second)
    narrow = Database(shared["mongodb.uri"], shared["mongodb.database"], request_slots=1)
    outcome: queue.Queue[bool] = queue.Queue()

    def request() -> None:
        handles_request.set(True)
        outcome.put(narrow.jobs.insert(first, second))

    threading.Thread(target=request, daemon=True).start()
    assert outcome.get(timeout=30)
    assert {job.job_id for job in database.jobs.unfinished()} == {first.job_id, second.job_id}
    narrow.close()


def test_an_option_of_an_index_that_is_stored_as_false_counts_as_absent(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded database does not store such options, but MongoDB does."""
    indexes_of = Collection.index_information

    def as_mongodb_has_it(collection: Collection[Document]) -> dict[str, Any]:
        found = indexes_of(collection)
        return {name: {"unique": False, "sparse": False, **found[name]} for name in found}

    monkeypatch.setattr(Collection, "index_information", as_mongodb_has_it)
    assert database.indexes.missing(7) == []


def test_regular_chores_do_not_read_the_jobs_that_have_ended(database: Database, job: Job) -> None:
    collection = database.jobs._collection
    for field in ("rest_since", "look_again_at"):  # as an older release did it
        collection.create_index(field, partialFilterExpression={field: {"$exists": True}})
    database.indexes.create(7)
    assert database.jobs.update(job.written().completed())
    for field in ("rest_since", "look_again_at"):
        assert f"{field}_1" not in collection.index_information()
        found = collection.find({field: {"$lte": utc_now()}}).explain()
        assert found["executionStats"]["totalDocsExamined"] == 0, found


def test_a_list_of_jobs_goes_on_after_one_of_several_of_one_moment(database: Database) -> None:
    now = utc_now()
    jobs = [
        Job.enqueued(upload_of("alice"), "book", ChapterRequest("T", "t"), None, now)
        for _ in range(4)
    ]
    jobs.append(
        Job.enqueued(
            upload_of("alice"), "book", ChapterRequest("T", "t"), None, now - timedelta(seconds=1)
        )
    )
    for job in jobs:
        database.jobs.insert(job)
    listed: list[Job] = []
    while len(listed) < len(jobs):
        before = (listed[-1].created_at, listed[-1].job_id) if listed else None
        listed += database.jobs.of_user("alice", 2, status=None, book_id=None, before=before)
    newest_first = sorted(jobs, key=lambda job: (job.created_at, job.job_id), reverse=True)
    assert [job.job_id for job in listed] == [job.job_id for job in newest_first]


def test_a_slug_that_is_taken_gets_the_place_in_the_book_or_the_first_free_number(
    database: Database, job: Job
) -> None:
    chapter = replace(chapter_of(job), slug="intro")
    slugs = [
        database.chapters.insert(replace(chapter, chapter_id=f"c{n}", order_index=place)).slug
        for n, place in enumerate([0, 7, 7, 2, 0])
    ]
    assert slugs == ["intro", "intro-8", "intro-2", "intro-3", "intro-4"]


def test_the_search_for_a_free_slug_ends(
    database: Database, job: Job, shared: dict[str, str]
) -> None:
    """An index of another program allows each user only one chapter with the same title."""
    with pymongo.MongoClient[dict[str, object]](shared["mongodb.uri"]) as client:
        collection = client[shared["mongodb.database"]]["book_chapters"]
        collection.create_index(["user_id", "title"], unique=True)
    database.chapters.insert(chapter_of(job))
    with pytest.raises(DatabaseError):
        database.chapters.insert(replace(chapter_of(job), chapter_id="another"))


def test_a_recorded_job_that_cannot_be_started_fails(
    database: Database, storage: FolderStorage, job: Job
) -> None:
    engine = ThreadEngine(parse_config({}), database, storage, None, JobMetrics())  # type: ignore[arg-type]
    engine._executor.shutdown()
    [live] = engine.admit([job])
    engine.queue(live)
    recorded = database.jobs.find(job.job_id)
    assert recorded and recorded.error == "The server could not start the job"
    assert engine.counts == (0, 0) and live.ended.is_set()


def test_a_job_is_overdue_after_a_suspension_that_took_its_time(
    database: Database, job: Job
) -> None:
    now_s = 1000.0
    live = LiveJob(job, database.jobs, timeout_s=60, now_s=lambda: now_s)
    live.check()
    now_s += 3600
    with pytest.raises(JobAborted, match="Job took longer than 60 s"):
        live.check()
