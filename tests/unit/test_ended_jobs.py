"""Ended jobs are remembered for a while, and no longer than their records."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.support.records import upload_of
from wordai_jobs.clock import utc_now
from wordai_jobs.jobs.ended_jobs import EndedJobs
from wordai_jobs.model.job import ChapterRequest, Job, JobStatus

DAY = timedelta(days=1)


class Clock:
    """The time of day and the clock for deadlines, which go on together."""

    def __init__(self) -> None:
        self.day, self.s = utc_now(), 1000.0

    def now(self) -> datetime:
        return self.day

    def now_s(self) -> float:
        return self.s

    def advance(self, by: timedelta) -> None:
        self.day += by
        self.s += by.total_seconds()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def remembering(clock: Clock, capacity: int = 10) -> EndedJobs:
    return EndedJobs(DAY, capacity, clock.now, clock.now_s)


def ended(clock: Clock, age: timedelta = timedelta()) -> Job:
    job = Job.enqueued(upload_of("alice"), "book", ChapterRequest("T", "t"), "folder")
    return replace(job, created_at=clock.day - age).failed("Out of memory")


def test_an_ended_job_is_remembered_for_ten_minutes(clock: Clock) -> None:
    jobs, job = remembering(clock), ended(clock)
    jobs.remember(job)
    clock.advance(timedelta(minutes=9, seconds=59))
    assert jobs.find(job.job_id) == job
    clock.advance(timedelta(seconds=1))
    assert jobs.find(job.job_id) is None
    jobs.remember(job)
    assert jobs.find(job.job_id) == job


def test_an_ended_job_is_forgotten_when_its_record_expires(clock: Clock) -> None:
    jobs, job = remembering(clock), ended(clock, age=DAY - timedelta(minutes=1))
    jobs.remember(job)
    clock.advance(timedelta(seconds=59))
    assert jobs.find(job.job_id) == job
    clock.advance(timedelta(seconds=1))
    assert jobs.find(job.job_id) is None
    jobs.remember(job)
    assert jobs.find(job.job_id) is None, "the database removes it at any moment"


@pytest.mark.parametrize("status", [JobStatus.PENDING, JobStatus.PROCESSING])
def test_a_job_that_has_not_ended_is_not_remembered(clock: Clock, status: JobStatus) -> None:
    jobs, job = remembering(clock), replace(ended(clock), status=status)
    jobs.remember(job)
    assert jobs.find(job.job_id) is None


def test_the_job_that_was_read_first_makes_room_for_a_new_one(clock: Clock) -> None:
    jobs = remembering(clock, capacity=2)
    first, second, third = (ended(clock) for _ in range(3))
    for job in (first, second, first, third):
        jobs.remember(job)
    assert [jobs.find(job.job_id) for job in (first, second, third)] == [first, None, third]
