"""The bounded thread pool that runs jobs, and the bounded line in front of it."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from wordai_jobs.errors import Busy, TooManyJobs
from wordai_jobs.jobs.queue import FairQueue
from wordai_jobs.jobs.running import RunningJob
from wordai_jobs.model.job import SERVER_SHUT_DOWN

_QUEUE_FULL_RETRY_S = 10
_SHUTDOWN_RETRY_S = 5
_TOO_MANY_RETRY_S = 10
# After the grace, unfinished jobs need a moment to stop their children and record their end.
_ABORT_TIMEOUT_S = 10.0
_SHUTDOWN_CHECK_S = 0.1
_FAIL_TIMEOUT_S = 3.0

logger = logging.getLogger(__name__)


class JobRunner:
    """Runs up to `workers` jobs at once with `run`; ends those that never ran with `fail`. Neither
    may raise.

    Starts no thread before the first job.
    """

    def __init__(
        self,
        workers: int,
        max_queued: int,
        run: Callable[[RunningJob], None],
        fail: Callable[[RunningJob, str], None],
    ) -> None:
        self._workers = workers
        self._max_queued = max_queued
        self._run = run
        self._fail = fail
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="job")
        self._changed = threading.Condition()
        self._queue = FairQueue()
        self._live: dict[str, RunningJob] = {}
        self._waiting = 0
        self._is_closed = False
        self._grace_is_cut = False

    def admit(self, running: RunningJob, max_of_user: int, elsewhere: int) -> None:
        """Give a new job a place before it is recorded, so that every recorded job has one.

        Raises TooManyJobs where its user has `max_of_user` jobs, of which `elsewhere` are with
        other servers; and Busy.
        """
        with self._changed:
            if self._is_closed:
                raise Busy("Server is shutting down", _SHUTDOWN_RETRY_S)
            if self._count_of(running.job.user_id) + elsewhere >= max_of_user:
                raise TooManyJobs(max_of_user, _TOO_MANY_RETRY_S)
            if self._waiting >= self._max_queued:
                raise Busy(
                    f"The queue is full: {self._max_queued} jobs are waiting", _QUEUE_FULL_RETRY_S
                )
            self._waiting += 1
            self._live[running.job.job_id] = running

    def withdraw(self, running: RunningJob) -> None:
        """Take back an admitted job that could not be recorded."""
        with self._changed:
            self._waiting -= 1
        self._forget(running)

    def queue(self, running: RunningJob) -> None:
        """Let an admitted job wait for its turn."""
        with self._changed:
            self._queue.put(running)
            if not self._is_closed:  # else the shutdown ends it with the others that wait
                self._executor.submit(self._run_next)

    def live(self, job_id: str) -> RunningJob | None:
        """The job, where it is this server's and has not ended."""
        return self._live.get(job_id)

    def position(self, job_id: str) -> int | None:
        """The job's place in the line, 1 is next; None where it does not wait."""
        with self._changed:
            order = (running.job.job_id for running in self._queue)
            return next(
                (place for place, waiting in enumerate(order, 1) if waiting == job_id), None
            )

    def cancel(self, job_id: str, error: str) -> bool:
        """Have a job of this server end with this error, at once where it waits; False where it is
        not this server's.
        """
        if self.fail_queued(job_id, error):
            return True
        running = self._live.get(job_id)
        if running:
            running.abort(error)
        return running is not None

    @property
    def live_ids(self) -> list[str]:
        """The ids of this server's jobs that have not ended."""
        with self._changed:
            return list(self._live)

    def let_go(self, job_ids: set[str]) -> None:
        """Answer for these jobs no longer; the threads that run them find out at their next
        write.
        """
        for running in [self._live[job_id] for job_id in job_ids if job_id in self._live]:
            self._forget(running)

    def fail_queued(self, job_id: str, error: str) -> bool:
        """End a job that waits; False where it does not.

        Requests and the housekeeping call this, so a database that is away does not hold it for
        long: the sweep then ends the job.
        """
        with self._changed:
            running = self._queue.remove(job_id)
            if running is None:
                return False
            self._waiting -= 1
        running.abort(error, give_up_after_s=_FAIL_TIMEOUT_S)
        self._fail_and_forget(running, error)
        return True

    def fail_overdue(self) -> None:
        """End the waiting jobs whose time is up. Running ones see to it themselves."""
        with self._changed:
            overdue = [running for running in self._queue if running.is_overdue]
        for running in overdue:
            self.fail_queued(running.job.job_id, running.overdue_words)

    @property
    def counts(self) -> tuple[int, int]:
        """How many jobs wait, and how many run."""
        with self._changed:
            return self._waiting, len(self._live) - self._waiting

    def shut_down(self, grace_s: float) -> None:
        """Take no more jobs, let those there are go on for `grace_s`, then have what is left end.

        Returns once every job has ended, or could not within another few seconds; the next start's
        sweep ends those.
        """
        self._is_closed = True
        deadline = time.monotonic() + grace_s
        while self._live and not self._grace_is_cut and time.monotonic() < deadline:
            self._wait_a_moment()
        with self._changed:
            for running in self._live.values():
                running.abort(SERVER_SHUT_DOWN, give_up_after_s=_ABORT_TIMEOUT_S / 2)
        deadline = time.monotonic() + _ABORT_TIMEOUT_S
        while self._live and time.monotonic() < deadline:
            self._fail_all_queued()
            self._wait_a_moment()
        if self._live:
            logger.error("%d jobs could not be ended before the server stops", len(self._live))
        self._executor.shutdown(wait=False, cancel_futures=True)

    def cut_grace(self) -> None:
        """End a shutdown's grace now. Called by a signal handler, so it must not wait for a
        lock.
        """
        self._grace_is_cut = True

    def _wait_a_moment(self) -> None:
        with self._changed:
            self._changed.wait(_SHUTDOWN_CHECK_S)

    def _fail_all_queued(self) -> None:
        with self._changed:
            queued = [running.job.job_id for running in self._queue]
        for job_id in queued:
            self.fail_queued(job_id, SERVER_SHUT_DOWN)

    def _count_of(self, user_id: str) -> int:
        return sum(running.job.user_id == user_id for running in self._live.values())

    def _run_next(self) -> None:
        with self._changed:
            running = self._queue.take()
            if running is None:  # the job this turn was for has left the line
                return
            self._waiting -= 1
        try:
            self._run(running)
        finally:
            self._forget(running)

    def _fail_and_forget(self, running: RunningJob, error: str) -> None:
        try:
            self._fail(running, error)
        finally:
            self._forget(running)

    def _forget(self, running: RunningJob) -> None:
        """The job has ended, or is given up for a sweep to end."""
        with self._changed:
            self._live.pop(running.job.job_id, None)
            self._changed.notify_all()
        running.ended.set()
