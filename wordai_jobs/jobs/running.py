"""A job that this server has taken and that has not ended: its recorded state, and the only way to
change it.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from wordai_jobs.database.jobs import JobRepository
from wordai_jobs.errors import DatabaseError
from wordai_jobs.model.book import Page
from wordai_jobs.model.job import Job

# Polls come every 2 seconds; four records a second are current enough, and cost the database next
# to nothing.
_REPORT_INTERVAL_S = 0.25
_RETRY_PAUSE_S = 0.5
# A job must end within a minute after its deadline, database away or not.
_END_GRACE_S = 45.0
_LOST_TRIES = 120

T = TypeVar("T")

logger = logging.getLogger(__name__)


class JobAborted(Exception):
    """The job is to end now; the message is the error its owner reads."""


class JobLost(Exception):
    """Somebody else has ended the job or taken it over; nothing may be written for it any more."""


class RunningJob:
    """What polls are answered from: `job` is always a state that the database has acknowledged.

    So a poll needs no query, and progress that a client has seen is not lost when the server is
    killed.
    """

    def __init__(self, job: Job, repository: JobRepository, timeout_s: float) -> None:
        """`timeout_s`: seconds from now until the job fails because it took too long."""
        self.job = job
        self.pages: list[Page] = []
        self.ended = threading.Event()
        self._repository = repository
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s
        self._give_up_at = self._deadline + _END_GRACE_S
        self._abort_reason: str | None = None
        self._next_report = 0.0

    @property
    def is_overdue(self) -> bool:
        return time.monotonic() >= self._deadline

    @property
    def overdue_words(self) -> str:
        return f"Job took longer than {self._timeout_s:.0f} s"

    def abort(self, reason: str, give_up_after_s: float | None = None) -> None:
        """Have the job end soon with this error, unless it ends by itself before. The first reason
        stands.

        `give_up_after_s`: for how long its end may wait for a database that is away; by default
        until the job's deadline.
        """
        self._abort_reason = self._abort_reason or reason
        if give_up_after_s is not None:
            self._give_up_at = min(self._give_up_at, time.monotonic() + give_up_after_s)

    def check(self) -> None:
        """Raises JobAborted where the job has been aborted or has run out of time."""
        if self._abort_reason:
            raise JobAborted(self._abort_reason)
        if self.is_overdue:
            raise JobAborted(self.overdue_words)

    def advance(self, job: Job) -> None:
        """Record a new state, waiting for the database where it is away.

        Raises JobLost, JobAborted, or DatabaseError where the database stays away past the job's
        deadline.
        """
        self._record(job, lambda: self.persistently(lambda: self._repository.update(job)))

    def report(self, job: Job) -> None:
        """Record progress, unless it is recorded already, something was recorded a moment ago, or
        the database is away.

        What is left out is lost: whoever reports says again how far the job is.
        """
        is_news = (job.progress, job.message) != (self.job.progress, self.job.message)
        if not is_news or time.monotonic() < self._next_report:
            return
        try:
            self._record(job, lambda: self._repository.update(job))
        except DatabaseError:
            logger.warning("job %s: progress %d%% not recorded", job.job_id, job.progress)

    def end(self, job: Job) -> None:
        """Record the last state of a job whatever happens around it; raises JobLost or
        DatabaseError.
        """
        self._record(job, lambda: self.to_the_last(lambda: self._repository.update(job)))

    def persistently(self, operation: Callable[[], T]) -> T:
        """The outcome of a database operation, tried again while the database is away and the job
        has time.
        """

        def may_go_on() -> bool:
            self.check()
            return True

        return _retried(operation, may_go_on)

    def to_the_last(self, operation: Callable[[], T]) -> T:
        """The outcome of a database operation that belongs to the job's end, tried again for as
        long as that may take.
        """
        return _retried(operation, self._may_still_end)

    def end_by_others(self) -> Job | None:
        """How whoever took the job away ended it; None where it did not within a minute, or the
        record is gone.
        """
        for _ in range(_LOST_TRIES):
            job = self.to_the_last(lambda: self._repository.find(self.job.job_id))
            if job is None or job.status.has_ended:
                return job
            time.sleep(_RETRY_PAUSE_S)
        return None

    def _may_still_end(self) -> bool:
        return time.monotonic() < self._give_up_at

    def _record(self, job: Job, update: Callable[[], bool]) -> None:
        self._next_report = time.monotonic() + _REPORT_INTERVAL_S
        # Equal: recorded, only the answer was lost.
        if not update() and self._repository.find(job.job_id) != job:
            raise JobLost
        self.job = job


def _retried(operation: Callable[[], T], may_go_on: Callable[[], bool]) -> T:
    while True:
        try:
            return operation()
        except DatabaseError:
            if not may_go_on():
                raise
            time.sleep(_RETRY_PAUSE_S)
