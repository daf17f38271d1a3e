"""The engine of one server: a bounded thread pool that runs jobs, and a bounded queue before it."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from wordai_jobs.config import Config
from wordai_jobs.database.client import Database
from wordai_jobs.errors import Busy
from wordai_jobs.jobs.engine import Limits
from wordai_jobs.jobs.housekeeping import Chore
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.jobs.threads.live import LiveJob
from wordai_jobs.jobs.threads.orphan_sweep import Sweep
from wordai_jobs.jobs.threads.pipeline import Pipeline
from wordai_jobs.jobs.threads.queue import FairQueue
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.job import SERVER_SHUT_DOWN, ErrorClass, Job, JobError, Place
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.storage.storage import Storage

_SHUTDOWN_RETRY_S = 5
# After the grace, jobs need a moment to end their renderers and to record their own end.
_ABORT_TIMEOUT_S = 10.0
_SHUTDOWN_CHECK_S = 0.1
_FAIL_TIMEOUT_S = 3.0
# A running page is abandoned within a fraction of a second; the rest is for the database.
_CANCEL_TIMEOUT_S = 10.0
_CHORE_INTERVAL_S = 5

_NOT_STARTED = JobError("The server could not start the job", ErrorClass.OTHER)

logger = logging.getLogger(__name__)


class ThreadEngine:
    """Runs up to `jobs.workers` jobs at once. It starts no thread for jobs before the first one."""

    def __init__(
        self,
        config: Config,
        database: Database,
        storage: Storage,
        pool: RenderPool,
        metrics: JobMetrics,
    ) -> None:
        self._settings = config.jobs
        self._limits = Limits.of(config)
        self._database = database
        self._pool = pool
        self.on_forget: list[Callable[[Job], None]] = []
        self._pipeline = Pipeline(database, storage, pool, metrics)
        self._sweep = Sweep(database, storage, self.is_live, metrics)
        self.chores: Sequence[Chore] = [
            Chore("overdue jobs", _CHORE_INTERVAL_S, self.fail_overdue),
            Chore("sweep", _CHORE_INTERVAL_S, self._sweep.run),
        ]
        self._executor = ThreadPoolExecutor(self._settings.workers, thread_name_prefix="job")
        self._changed = threading.Condition()
        self._queue = FairQueue()
        self._live: dict[str, LiveJob] = {}
        self._waiting = 0
        self._is_closed = False
        self._grace_is_cut = False

    def start(self) -> None:
        """Start the renderers. Returns at once."""
        self._pool.start()

    def open(self) -> None:
        """Sweep once, before any job is taken in. Raises DatabaseError."""
        swept = self._sweep.run()
        if swept:
            logger.info("the sweep at start ended %d jobs", swept)

    def unfinished_elsewhere(self, user_id: str) -> Sequence[Place]:
        """None: all jobs run in this server."""
        return ()

    def take_in(self, jobs: Sequence[Job], elsewhere: Sequence[Place]) -> bool:
        """Record the jobs and put them into the queue."""
        admitted = self.admit(jobs)
        try:
            is_recorded = self._database.jobs.insert(*jobs)
        except BaseException:
            self.withdraw(admitted)
            raise
        if not is_recorded:
            self.withdraw(admitted)
            return False
        for live in admitted:
            self.queue(live)
        return True

    def in_memory(self, job_id: str) -> Job | None:
        """The current state of a job that is live."""
        live = self._live.get(job_id)
        return live.job if live else None

    def pages(self, job: Job) -> list[Page] | None:
        """The pages so far; None if the job is not live."""
        live = self._live.get(job.job_id)
        return live.pages if live else None

    def admit(self, jobs: Sequence[Job]) -> list[LiveJob]:
        """Give new jobs of one user their places before they are recorded, so that every recorded
        job has one.

        Raises TooManyJobs if the user has too many unfinished jobs, and Busy if the queue is full
        or the server is shutting down.
        """
        admitted = [LiveJob(job, self._database.jobs, self._settings.timeout_s) for job in jobs]
        user_id = jobs[0].user_id
        with self._changed:
            if self._is_closed:
                raise Busy("Server is shutting down", _SHUTDOWN_RETRY_S)
            of_user = sum(other.job.user_id == user_id for other in self._live.values())
            self._limits.check(len(jobs), of_user, self._waiting)
            self._waiting += len(jobs)
            self._live.update({live.job.job_id: live for live in admitted})
        return admitted

    def withdraw(self, admitted: Sequence[LiveJob]) -> None:
        """Give up the places of admitted jobs that were not recorded."""
        with self._changed:
            self._waiting -= len(admitted)
        for live in admitted:
            self._forget(live)

    def queue(self, live: LiveJob) -> None:
        """Put an admitted job into the queue."""
        with self._changed:
            self._queue.put(live)
            # If the server is shutting down, the job is ended with the others in the queue.
            if self._is_closed:
                return
        try:
            self._executor.submit(self._run_next)
        except RuntimeError:  # no thread can be started, or the executor has just been shut down
            logger.exception("job %s cannot be started", live.job.job_id)
            self._fail_queued(live, _NOT_STARTED)

    def is_live(self, job_id: str) -> bool:
        """Whether this server has accepted the job, and it has not ended."""
        return job_id in self._live

    def position(self, job_id: str) -> int | None:
        """The job's place in the queue (1 is next); None if it does not wait."""
        with self._changed:
            order = (live.job.job_id for live in self._queue)
            return next(
                (place for place, waiting in enumerate(order, 1) if waiting == job_id), None
            )

    @property
    def counts(self) -> tuple[int, int]:
        """The numbers of waiting and of running jobs."""
        with self._changed:
            return self._waiting, len(self._live) - self._waiting

    @property
    def is_rendering(self) -> bool:
        return self._pool.is_busy

    def problems(self) -> list[str]:
        return [] if self._pool.ready_count else ["no page renderer is running"]

    def cancel(self, job_id: str, error: JobError) -> None:
        """Make a job fail with this error: at once if it waits, soon if it runs."""
        live = self._live.get(job_id)
        if live is None:
            return
        if not self._fail_queued(live, error):
            live.abort(error)
        live.ended.wait(_CANCEL_TIMEOUT_S)

    def fail_overdue(self) -> None:
        """Fail the waiting jobs whose time is up. Running jobs check this themselves."""
        with self._changed:
            overdue = [live for live in self._queue if live.is_overdue]
        for live in overdue:
            self._fail_queued(live, live.timeout_error)

    def shut_down(self, grace_s: float) -> None:
        """Accept no more jobs, let the others continue for `grace_s` seconds, then end them.

        Returns once every job has ended, but not later than `_ABORT_TIMEOUT_S` after the grace. The
        sweep of the next start ends the jobs that are left.
        """
        self._is_closed = True
        deadline = time.monotonic() + grace_s
        while self._live and not self._grace_is_cut and time.monotonic() < deadline:
            self._wait_a_moment()
        with self._changed:
            for live in self._live.values():
                live.abort(SERVER_SHUT_DOWN, give_up_after_s=_ABORT_TIMEOUT_S / 2)
        deadline = time.monotonic() + _ABORT_TIMEOUT_S
        while self._live and time.monotonic() < deadline:
            with self._changed:
                queued = list(self._queue)
            for live in queued:
                self._fail_queued(live, SERVER_SHUT_DOWN)
            self._wait_a_moment()
        if self._live:
            logger.error("%d jobs could not be ended before the server stops", len(self._live))
        self._executor.shutdown(wait=False, cancel_futures=True)

    def cut_grace(self) -> None:
        """End the grace now. A signal handler calls this, so it must not wait for a lock."""
        self._grace_is_cut = True

    def stop(self) -> None:
        """End the renderers."""
        self._pool.stop()

    def _run_next(self) -> None:
        with self._changed:
            live = self._queue.take()
            if live is None:  # a job has left the queue before its turn
                return
            self._waiting -= 1
        try:
            self._pipeline.run(live)
        finally:
            self._forget(live)

    def _fail_queued(self, live: LiveJob, error: JobError) -> bool:
        """Fail a waiting job; False if it does not wait.

        Requests and the housekeeping call this, so it does not wait long if the database is away:
        then the sweep ends the job.
        """
        with self._changed:
            if self._queue.remove(live.job.job_id) is None:
                return False
            self._waiting -= 1
        live.abort(error, give_up_after_s=_FAIL_TIMEOUT_S)
        try:
            self._pipeline.fail(live, error)
        finally:
            self._forget(live)
        return True

    def _forget(self, live: LiveJob) -> None:
        """Remove a job that has ended, or is left to the sweep."""
        for tell in self.on_forget:
            tell(live.job)
        with self._changed:
            self._live.pop(live.job.job_id, None)
            self._changed.notify_all()
        live.ended.set()

    def _wait_a_moment(self) -> None:
        with self._changed:
            self._changed.wait(_SHUTDOWN_CHECK_S)
