"""What a fleet records of a job: late, doubled and contradicting writes change nothing."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.records import upload_of
from wordai_jobs import clock
from wordai_jobs.config import parse_config
from wordai_jobs.database import client
from wordai_jobs.database.client import Database
from wordai_jobs.database.jobs import to_document
from wordai_jobs.errors import DatabaseError
from wordai_jobs.jobs.celery import clock as fleet_clock
from wordai_jobs.jobs.celery.backlog import Backlog
from wordai_jobs.jobs.celery.clock import FleetClock
from wordai_jobs.jobs.celery.ending import Ending
from wordai_jobs.jobs.celery.fleet import Fleet
from wordai_jobs.jobs.celery.lookout import Lookout
from wordai_jobs.jobs.celery.messages import Messages, create_celery
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.jobs.order import Order
from wordai_jobs.model.book import Book
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.job import (
    CANCELLED,
    ChapterRequest,
    ErrorClass,
    Job,
    JobError,
    JobStatus,
    Place,
)
from wordai_jobs.model.work import STRETCH, Task, Work
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.storage import FolderStorage

NOW = clock.utc_now()
LATER = NOW + timedelta(seconds=1)


def new_work(job: Job, published: int = 0) -> Work:
    return Work(job.total_pages, NOW + timedelta(hours=1), NOW, published=published)


def pages(first: int, last: int) -> list[Page]:
    return [Page(number, 100, 200) for number in range(first, last + 1)]


@pytest.fixture
def job(database: Database) -> Job:
    """A recorded job of 70 pages that renders; two of its three stretches are published."""
    new = Job.enqueued(upload_of("alice", 70), "book", ChapterRequest("T", "t"), None)
    assert database.fleet.insert_with_work((new, new_work(new, published=2)))
    opened = new.fetching().opened()
    assert database.fleet.advance(opened, 3, NOW)
    return opened


@pytest.fixture
def lookout(database: Database, tmp_path: Path) -> Lookout:
    """Of a fleet with a broker in this process, and 4 jobs of a user at the same time."""
    storage = FolderStorage(DataFolder(tmp_path / "data"))
    storage.folder.create()
    celery = create_celery("memory://", database.name)
    time, metrics = FleetClock(database), JobMetrics()
    ending = Ending(database, storage, time, metrics)
    fleet = Fleet(celery, database, storage, Messages(celery), time, ending, metrics)
    return Lookout(fleet, parse_config({}).jobs)


def work_of(database: Database, job: Job) -> Work:
    found = database.fleet.find_with_pages(job.job_id)
    assert found and found.work
    return found.work


def test_pages_are_recorded_once_however_often_they_come(database: Database, job: Job) -> None:
    first = database.fleet.store(job, pages(1, 20), 0, LATER)
    assert first and (first.pages_done, first.stretches_done, first.in_hand) == (20, 0, 2)
    assert database.fleet.store(job, pages(1, 32), 2, LATER) is None
    rest = database.fleet.store(job, pages(21, 32), 1, LATER)
    assert rest and (rest.pages_done, rest.stretches_done, rest.published) == (32, 1, 3)
    assert work_of(database, job).all_pages() == pages(1, 32)
    assert database.fleet.find_wanted(job.job_id, 21, LATER) is None
    assert database.fleet.find_wanted(job.job_id, 33, LATER)


def test_pages_and_progress_of_a_job_of_one_stretch_are_one_write(database: Database) -> None:
    new = Job.enqueued(upload_of("alice", 3), "book", ChapterRequest("T", "t"), None)
    assert database.fleet.insert_with_work((new, new_work(new, published=4)))
    assert database.fleet.store_with_progress(new.fetching().rendered(2), 5, pages(1, 2), LATER)
    assert not database.fleet.store_with_progress(new.fetching().creating(), 6, pages(1, 3), LATER)
    assert not database.fleet.advance(new.fetching(), 1, LATER), "it has come further"
    assert database.fleet.store_with_progress(new.fetching().creating(), 6, pages(3, 3), LATER)
    found = database.fleet.find_with_pages(new.job_id)
    assert found and found.work and found.work.is_rendered and found.work.touched_at == LATER
    assert found.work.all_pages() == pages(1, 3) and found.work.stretches_done == 1
    assert found.job.status is JobStatus.PROCESSING
    assert found.job.message == "Processed 3 pages. Creating chapter..."


def test_what_is_missing_begins_after_the_recorded_pages(database: Database, job: Job) -> None:
    assert list(work_of(database, job).missing()) == [Task(1, 32), Task(33, 64)]
    database.fleet.store(job, pages(33, 40), 0, LATER)
    database.fleet.store(job, pages(1, STRETCH), 1, LATER)
    assert list(work_of(database, job).missing()) == [Task(41, 64), Task(65, 70)]
    database.fleet.store(job, pages(41, 64), 0, LATER)
    database.fleet.store(job, pages(65, 70), 0, LATER)
    work = work_of(database, job)
    assert list(work.missing()) == [] and work.is_rendered and work.in_hand == 0
    assert work.all_pages() == pages(1, 70)


def test_progress_does_not_fall_whatever_the_clocks_say(database: Database, job: Job) -> None:
    behind = replace(job, updated_at=NOW - timedelta(minutes=5))
    assert database.fleet.advance(job.rendered(40), 43, NOW)
    assert not database.fleet.advance(behind.rendered(20), 23, NOW)
    assert database.fleet.advance(behind.rendered(60), 63, NOW)
    recorded = database.fleet.find(job.job_id)
    assert recorded and recorded.message == "Processed 60/70 pages..."
    assert recorded.updated_at >= job.updated_at


def test_a_failing_job_takes_no_pages_and_cannot_complete(database: Database, job: Job) -> None:
    failing = database.fleet.begin_failure(job.job_id, CANCELLED)
    assert failing and failing.failure == CANCELLED
    other = JobError("Out of memory", ErrorClass.OUT_OF_MEMORY)
    assert database.fleet.begin_failure(job.job_id, other) is None
    assert database.fleet.store(job, pages(1, 32), 0, LATER) is None
    assert not database.fleet.advance(job.rendered(70), 73, NOW)
    assert not database.fleet.store_with_progress(job.rendered(70), 73, pages(1, 32), LATER)
    assert not database.fleet.touch(job.job_id, LATER)
    assert not database.fleet.end(failing.written().completed())
    failed = failing.failed(CANCELLED.message)
    assert database.fleet.end(failed, look_again_at=LATER)
    assert database.fleet.end(failed, look_again_at=LATER), "the response to the first was lost"
    assert [it.job_id for it in database.fleet.to_look_at_again(LATER, 10)] == [job.job_id]
    database.fleet.looked_at_again(job.job_id)
    assert database.fleet.to_look_at_again(LATER, 10) == []


def test_a_completed_job_cannot_fail_and_ends_once(database: Database, job: Job) -> None:
    completed = job.written().completed()
    assert database.fleet.end(completed)
    assert database.fleet.begin_failure(job.job_id, CANCELLED) is None
    again = replace(completed, ended_at=LATER)
    assert not database.fleet.end(again)
    found = database.fleet.find_with_pages(job.job_id)
    assert found and found.work is None and found.job.status is JobStatus.COMPLETED


def test_a_job_that_is_out_of_time_is_not_worked_on(database: Database, job: Job) -> None:
    late = NOW + timedelta(hours=2)
    assert database.fleet.touch(job.job_id, LATER) and not database.fleet.touch(job.job_id, late)
    [seen] = database.fleet.unfinished_in_brief()
    assert seen.job_id == job.job_id and seen.is_overdue(late) and not seen.is_overdue(LATER)


def test_one_of_many_servers_publishes_what_is_lost(database: Database, job: Job) -> None:
    assert database.fleet.untouched_ids(LATER, 10) == [job.job_id]
    [seen] = database.fleet.unfinished_in_brief()
    assert seen.is_untouched(LATER) and not seen.is_untouched(NOW)
    claims = [database.fleet.claim(job.job_id, LATER, LATER, 0) for _ in range(3)]
    assert claims == [True, False, False]
    assert database.fleet.untouched_ids(LATER, 10) == []


def waiting_job(database: Database, user_id: str, *, waits: bool = True) -> Job:
    new = Job.enqueued(upload_of(user_id), "book", ChapterRequest("T", "t"), None)
    assert database.fleet.insert_with_work((new, replace(new_work(new), waits=waits)))
    return new


def test_the_jobs_of_a_user_take_turns_in_their_order(database: Database) -> None:
    jobs = [waiting_job(database, "bob", waits=number > 0) for number in range(3)]
    assert [it.job_id for it in database.fleet.turns_of_user("bob", 2)] == [
        job.job_id for job in jobs[:2]
    ]
    assert [it.waits for it in database.fleet.unfinished_in_brief()] == [False, True, True]
    assert database.fleet.untouched_ids(LATER, 10) == [jobs[0].job_id]
    assert [database.fleet.take_turn(jobs[1].job_id, 4, LATER) for _ in range(2)] == [True, False]
    assert [it.waits for it in database.fleet.turns_of_user("bob", 10)] == [False, False, True]
    assert work_of(database, jobs[1]).published == 4


def test_jobs_that_have_their_turn_come_first_whatever_the_clocks_say(database: Database) -> None:
    jobs = [waiting_job(database, "bob") for _ in range(6)]
    waiting_job(database, "another")
    for late in jobs[4:]:
        assert database.fleet.take_turn(late.job_id, 4, LATER)
    assert database.fleet.begin_failure(jobs[0].job_id, CANCELLED)
    turns = database.fleet.turns_of_user("bob", 4)
    expected = [jobs[4], jobs[5], jobs[1], jobs[2]]
    assert [it.job_id for it in turns] == [job.job_id for job in expected]
    assert [it.waits for it in turns] == [False, False, True, True]


def test_jobs_that_do_not_run_take_no_turn_of_another(database: Database, lookout: Lookout) -> None:
    """Those of another engine, one that is failing, and records that cannot be read."""
    for _ in range(5):
        database.jobs.insert(Job.enqueued(upload_of("bob"), "book", ChapterRequest("T", "t"), None))
    records = database.fleet._collection
    for change in ({"fleet": 5}, {"fleet.waits": "maybe"}, {"total_pages": "many"}):
        bad = waiting_job(database, "bob")
        assert records.update_one({"job_id": bad.job_id}, {"$set": change}).modified_count
    assert database.fleet.begin_failure(waiting_job(database, "bob").job_id, CANCELLED)
    jobs = [waiting_job(database, "bob") for _ in range(5)]
    records.update_one(
        {"job_id": waiting_job(database, "eve").job_id}, {"$set": {"fleet.touched_at": 0}}
    )
    assert {it.user_id for it in database.fleet.unfinished_in_brief()} == {"bob"}
    lookout.look_out()
    assert [work_of(database, job).published for job in jobs] == [4, 4, 4, 4, 0]


def test_late_pages_are_removed_although_unfinished_jobs_cannot_be_read(
    database: Database, lookout: Lookout, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = database.fleet.begin_failure(job.job_id, CANCELLED)
    assert failing and database.fleet.end(failing.failed(CANCELLED.message), NOW)

    def fail() -> None:
        raise DatabaseError("it took too long")

    monkeypatch.setattr(database.fleet, "unfinished_in_brief", fail)
    lookout.look_out()
    assert database.fleet.to_look_at_again(LATER, 10) == []


def test_a_full_queue_is_counted_and_other_servers_jobs_are_seen_at_a_look(
    database: Database,
) -> None:
    def enqueue(count: int) -> None:
        for _ in range(count):
            job = Job.enqueued(upload_of("erin"), "book", ChapterRequest("T", "t"), None)
            database.fleet.insert_with_work((job, new_work(job)))

    enqueue(2)
    backlog = Backlog(database.fleet, limit=5)
    assert backlog.waiting(1) == 2, "before the first look"
    backlog.look()
    backlog.took_in(1)
    enqueue(2)
    assert backlog.waiting(1) == 3, "one of this server, and none of another"
    backlog.look()
    assert backlog.waiting(1) == 4 and backlog.counts == (4, 0)
    backlog.took_in(3)  # which have begun since
    assert backlog.waiting(1) == 4, "counted, because there seemed to be no room"


def test_a_chapter_comes_behind_those_that_other_servers_are_about_to_make(
    database: Database,
) -> None:
    book = Book("book", "erin", "A book", NOW, NOW, next_order_index=3)
    here, elsewhere = Order(), Order()

    def enqueue(server: Order, book_id: str, wanted: int | None = None) -> Job:
        elsewhere = database.fleet.places_of_unfinished("erin")
        index = server.first_index(replace(book, book_id=book_id), 1, wanted, elsewhere)
        request = ChapterRequest("T", "t", order_index=index)
        job = Job.enqueued(upload_of("erin"), book_id, request, None)
        assert database.fleet.insert_with_work((job, new_work(job)))
        return job

    turns = [(here, None), (elsewhere, None), (elsewhere, 20), (here, None), (elsewhere, 5)]
    jobs = [enqueue(server, "book", wanted) for server, wanted in turns]
    assert [job.request.order_index for job in jobs] == [3, 4, 20, 21, 5]
    assert enqueue(here, "another book").request.order_index == 3
    for job in jobs:
        assert database.fleet.end(job.failed("broken"))
    assert database.fleet.places_of_unfinished("erin") == [Place("another book", 3)]


def test_jobs_with_only_the_fields_of_the_contract_have_a_place(database: Database) -> None:
    job = Job.enqueued(upload_of("gil"), "book", ChapterRequest("T", "t", order_index=4), None)
    database.jobs.insert(job)
    for change in ({"$set": {"request": None}}, {"$unset": {"request": ""}}):
        database.jobs._collection.update_one({"job_id": job.job_id}, change)
        assert database.fleet.places_of_unfinished("gil") == [Place("book", 0)]


def test_the_jobs_of_one_request_are_recorded_whole(database: Database) -> None:
    moments = [NOW + timedelta(milliseconds=number) for number in range(4)]
    jobs = [
        Job.enqueued(upload_of("dora"), "book", ChapterRequest("T", "t"), None, moment)
        for moment in moments
    ]
    batch = [replace(job, batch_id=jobs[0].job_id) for job in jobs]
    batch[0] = replace(batch[0], idempotency_key="client:key", fingerprint="same")
    documents = [{**to_document(job), "fleet": {"waits": True}} for job in batch]
    collection = database.fleet._collection
    cut_off = {**documents[0], "rest": documents[1:], "rest_since": NOW}
    collection.insert_many([cut_off, documents[1]])
    assert database.fleet.incomplete_batches(NOW - timedelta(seconds=1)) == []
    assert database.fleet.incomplete_batches(NOW) == batch[:1]
    for _ in range(2):
        database.fleet.complete_batch(batch[0].job_id)
        assert database.fleet.of_batch("dora", batch[0].job_id) == batch
    assert database.fleet.incomplete_batches(LATER) == []
    assert not database.fleet.insert_with_work(*((job, new_work(job)) for job in batch))
    assert collection.count_documents({"user_id": "dora", "fleet.waits": True}) == 4
    others = [replace(job, job_id=f"{job.job_id}x", chapter_id="x") for job in batch]
    assert not database.jobs.insert(*others), "the key is taken"
    assert collection.count_documents({"user_id": "dora"}) == 4


def test_a_job_of_another_engine_is_taken_over_once(database: Database) -> None:
    job = Job.enqueued(upload_of("carol", 3), "book", ChapterRequest("T", "t"), None)
    database.jobs.insert(job)
    assert [it.deadline for it in database.fleet.unfinished_in_brief()] == [None]
    database.fleet.adopt(job, new_work(job))
    database.fleet.store(job, pages(1, 3), 0, LATER)
    database.fleet.adopt(job, new_work(job))
    assert [it.deadline for it in database.fleet.unfinished_in_brief()] == [new_work(job).deadline]
    assert work_of(database, job).is_rendered


def test_a_marker_is_published_when_the_last_one_has_arrived(database: Database) -> None:
    second = timedelta(seconds=1)

    def claims(moment: datetime) -> list[bool]:
        return [database.lookout.claim_marker(moment, 8 * second) for _ in range(2)]

    assert claims(NOW) == [True, False]
    assert claims(NOW + 5 * second) == [False, False]
    assert claims(NOW + 9 * second) == [True, False]
    database.lookout.marker_arrived(NOW)  # late: the next one is on its way
    assert claims(NOW + 12 * second) == [False, False]
    database.lookout.marker_arrived(NOW + 9 * second)
    assert claims(NOW + 12 * second) == [True, False]


def test_machines_with_different_clocks_have_one_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def five_minutes_ahead() -> datetime:
        return clock.utc_now() + timedelta(minutes=5)

    monkeypatch.setattr(client, "utc_now", five_minutes_ahead)
    monkeypatch.setattr(fleet_clock, "utc_now", five_minutes_ahead)
    there = FleetClock(database)
    there.compare()
    assert abs(there.now() - clock.utc_now()) < timedelta(seconds=30)


def test_one_server_looks_out_in_each_round(database: Database) -> None:
    pause = timedelta(seconds=2)
    start = NOW + timedelta(hours=1)
    assert database.lookout.claim_round(start, pause)
    assert not database.lookout.claim_round(start + timedelta(seconds=1), pause)
    assert database.lookout.claim_round(start + pause, pause)
    assert not database.lookout.claim_round(start + pause, pause)


def test_a_server_whose_clock_jumped_stops_neither_rounds_nor_markers(database: Database) -> None:
    jumped, pause = NOW + timedelta(hours=3), timedelta(seconds=8)
    for claim in (database.lookout.claim_round, database.lookout.claim_marker):
        assert claim(jumped, pause)
        assert claim(NOW + timedelta(hours=2), pause)
        assert not claim(NOW + timedelta(hours=2), pause)
