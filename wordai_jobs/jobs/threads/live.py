"""A live job: this server has accepted it, and it has not ended."""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from wordai_jobs.clock import uptime_s
from wordai_jobs.database.jobs import JobRepository
from wordai_jobs.errors import DatabaseError, StorageError
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.job import Job, JobError, job_timeout

# Polls come every 2 seconds, so two records per second are enough, and cost the database little.
_REPORT_INTERVAL_S = 0.5
_RETRY_PAUSE_S = 0.5
# A job must end within a minute after its deadline, even if the database is away.
_END_GRACE_S = 45.0

T = TypeVar("T")

logger = logging.getLogger(__name__)


class JobAborted(Exception):
    """The job must end now, with this error."""

    def __init__(self, error: JobError) -> None:
        super().__init__(error.message)
        self.error = error


class JobLost(Exception):
    """The job's record is gone, or was ended elsewhere: nothing more may be written for the job."""


class LiveJob:
    """The state of a job, and the only way to change it.

    Polls show `job`, whose progress the database has always acknowledged. So a poll needs no query,
    and progress that a client has seen is not lost if the server is killed.
    """

    def __init__(
        self,
        job: Job,
        repository: JobRepository,
        timeout_s: float,
        now_s: Callable[[], float] = uptime_s,
    ) -> None:
        """The job fails `timeout_s` seconds from now if it has not ended. Time in which the machine
        is suspended counts too.
        """
        self.job = job
        self.pages: list[Page] = []
        self.ended = threading.Event()
        self._repository = repository
        self._timeout_s = timeout_s
        self._now_s = now_s
        self._deadline = now_s() + timeout_s
        self._give_up_at = self._deadline + _END_GRACE_S
        self._abort_error: JobError | None = None
        self._is_recorded = True
        self._next_report = 0.0

    @property
    def is_overdue(self) -> bool:
        return self._now_s() >= self._deadline

    @property
    def timeout_error(self) -> JobError:
        return job_timeout(self._timeout_s)

    def abort(self, error: JobError, give_up_after_s: float | None = None) -> None:
        """Make the job end soon with this error, unless it has ended or was aborted before.

        `give_up_after_s`: how long its end may wait if the database is away. The default is until
        45 s after the job's deadline.
        """
        self._abort_error = self._abort_error or error
        if give_up_after_s is not None:
            self._give_up_at = min(self._give_up_at, self._now_s() + give_up_after_s)

    def check(self) -> None:
        """Raises JobAborted if the job has been aborted or is out of time."""
        if self._abort_error:
            raise JobAborted(self._abort_error)
        if self.is_overdue:
            raise JobAborted(self.timeout_error)

    def begin(self, job: Job) -> None:
        """Show the first state of a job that runs. A report records it, unless the job has ended by
        then: many take a moment only, and a write takes as long as half a page.
        """
        self.job = job
        self._is_recorded = False
        self._next_report = time.monotonic() + _REPORT_INTERVAL_S

    def report(self, new_state: Callable[[Job], Job]) -> None:
        """Record the progress that `new_state` makes of the job, unless nothing has changed, the
        last record was a moment ago, or the database is away.

        Progress that was not recorded is not recorded later: the caller reports again. Raises
        JobLost.
        """
        if time.monotonic() < self._next_report:
            return
        job = new_state(self.job)
        is_news = (job.progress, job.message) != (self.job.progress, self.job.message)
        if self._is_recorded and not is_news:
            return
        try:
            self._record(job, lambda update: update())
        except DatabaseError:
            logger.warning("job %s: progress %d%% not recorded", job.job_id, job.progress)

    def begin_failure(self, error: JobError) -> None:
        """Record that the job can no longer complete.

        Raises JobLost if it has completed, and DatabaseError as `end` does.
        """
        self._record(self.job.failing(error), self.to_the_last)

    def end(self, job: Job) -> None:
        """Record the last state of the job, even if it was aborted.

        Raises JobLost, and DatabaseError if the database is away for too long.
        """
        self._record(job, self.to_the_last)

    def persistently(self, operation: Callable[[], T]) -> T:
        """Repeat an operation while the database or the storage is away and the job has time.

        Raises JobAborted.
        """
        while True:
            try:
                return operation()
            except (DatabaseError, StorageError):
                self.check()
                time.sleep(_RETRY_PAUSE_S)

    def to_the_last(self, operation: Callable[[], T]) -> T:
        """Repeat a database operation at the job's end for as long as that may take.

        Raises DatabaseError after that.
        """
        while True:
            try:
                return operation()
            except DatabaseError:
                if self._now_s() >= self._give_up_at:
                    raise
                time.sleep(_RETRY_PAUSE_S)

    def _record(self, job: Job, repeated: Callable[[Callable[[], bool]], bool]) -> None:
        self._next_report = time.monotonic() + _REPORT_INTERVAL_S

        def update() -> bool:
            # If only the response to an earlier try was lost, the record already has this state.
            return self._repository.update(job) or self._repository.find(job.job_id) == job

        if not repeated(update):
            raise JobLost
        self.job = job
        self._is_recorded = True
