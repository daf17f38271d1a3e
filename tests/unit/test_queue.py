"""Whose job is next."""

from typing import cast

from tests.support.records import upload_of
from wordai_jobs.database.jobs import JobRepository
from wordai_jobs.jobs.threads.live import LiveJob
from wordai_jobs.jobs.threads.queue import FairQueue
from wordai_jobs.model.job import ChapterRequest, Job


def waiting(user_id: str) -> LiveJob:
    job = Job.enqueued(upload_of(user_id), "book", ChapterRequest("T", "t"), None)
    return LiveJob(job, cast(JobRepository, None), timeout_s=60)  # nothing here is recorded


def test_users_take_turns_and_each_users_jobs_stay_in_order() -> None:
    queue = FairQueue()
    jobs = [waiting(user) for user in ("a", "a", "a", "b", "c", "b")]
    for job in jobs:
        queue.put(job)
    fair = [jobs[0], jobs[3], jobs[4], jobs[1], jobs[5], jobs[2]]
    assert list(queue) == fair and len(queue) == 6
    assert [queue.take() for _ in range(6)] == fair
    assert queue.take() is None and len(queue) == 0


def test_a_newcomer_waits_for_one_job_of_each_other_user_only() -> None:
    queue = FairQueue()
    for _ in range(20):
        queue.put(waiting("many"))
    newcomer = waiting("one")
    queue.put(newcomer)
    assert list(queue).index(newcomer) == 1


def test_a_job_taken_out_of_the_line_is_not_there_any_more() -> None:
    queue = FairQueue()
    first, second = waiting("a"), waiting("a")
    queue.put(first)
    queue.put(second)
    assert queue.remove(first.job.job_id) is first and queue.remove(first.job.job_id) is None
    assert queue.take() is second and queue.take() is None
