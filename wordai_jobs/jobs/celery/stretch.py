"""A task at work: it renders pages of one job, and stores and records them as they come."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wordai_jobs.errors import DatabaseError, StorageError
from wordai_jobs.jobs.celery.fleet import Fleet
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.job import Job, JobStatus
from wordai_jobs.model.work import Task, Work
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.rendering.task import Part, RenderTask
from wordai_jobs.storage.storage import NextPage

# A task leaves the rest of its pages to another one after this time, so that others need not wait,
# but not so soon after its first page: before that, it may have waited for the renderers.
_LEAVE_OFF_AFTER_S = 1.0
_RENDER_FOR_S = 0.5
# How often pages are recorded that take long. Others are recorded when the task leaves off.
_RECORD_INTERVAL_S = 1.5
# How often a task that records nothing looks whether its job is still wanted: a cancelled one must
# end within 2 s.
_CHECK_INTERVAL_S = 1.2
_WAIT_S = 0.05
_LONGEST_WAIT_S = 0.03
_RETRY_PAUSE_S = 0.5
# How long a page that is being rendered may take when the worker stops.
_STOP_AFTER_S = 5.0
# If the database is away for longer, the task is given up, and published again later.
_PATIENCE_S = 60.0

# The steps of a job, which only grow (FleetRepository.advance). Fetching ends before 2; between
# opened and creating, there is one for each page.
_FETCHING, _OPENED = 1, 3


def creating_step(total_pages: int) -> int:
    return _OPENED + total_pages + 1


def written_step(total_pages: int) -> int:
    return _OPENED + total_pages + 2


class NotWanted(Exception):
    """The job has ended, is failing, or is out of time; or another task has recorded the pages."""


class Stopping(Exception):
    """The worker stops, and a page takes longer than it can wait."""


class Stretch:
    """The pages of one task, until they are recorded or left to another task."""

    def __init__(
        self,
        fleet: Fleet,
        pool: RenderPool,
        job: Job,
        task: Task,
        stopping: threading.Event,
    ) -> None:
        self._fleet = fleet
        self._pool = pool
        self._job = job
        self._task = task
        self._stopping = stopping
        self._stored: dict[int, Page] = {}
        self._next = task.first  # the first page that is not recorded
        self._next_check = time.monotonic() + _CHECK_INTERVAL_S
        # Somebody may wait for the first page of a chapter.
        self._next_record = 0 if task.first == 1 else time.monotonic() + _RECORD_INTERVAL_S
        self._give_up_at = math.inf

    def run(self, publish: int) -> Work:
        """Render until the last page, or until it is time to leave off.

        `publish`: how many further stretches are recorded as published if this one is done. Returns
        the work as it is then. Raises NotWanted, Stopping, and all that rendering and storing
        raise.
        """
        with self._fetched() as pdf:
            return self._render(pdf, publish)

    @property
    def rest(self) -> Task | None:
        """What this task has left to another one."""
        return Task(self._next, self._task.last) if self._next <= self._task.last else None

    @contextmanager
    def _fetched(self) -> Iterator[Path]:
        """The PDF as a local file. The store may be away for as long as the job has time."""
        is_new = self._job.status is JobStatus.PENDING
        if is_new:
            self._job = self._job.fetching()
            if self._advance(self._job, _FETCHING):
                self._fleet.metrics.started(self._job.age_s)
        while True:
            try:
                fetched = self._fleet.storage.uploads.fetch(self._job.file_id, self._on_progress)
                break
            except StorageError:
                self._check()
                if self._stopping.wait(_RETRY_PAUSE_S):
                    raise Stopping from None
        with fetched as pdf:
            if is_new:
                self._advance(self._job.opened(), _OPENED)
            yield pdf

    def _on_progress(self, done: float) -> None:
        if self._stopping.is_set():
            raise Stopping
        if self._check_if_due():
            self._advance(self._job.fetching(done), _FETCHING + done / 2)

    def _render(self, pdf: Path, publish: int) -> Work:
        job, task, pages = self._job, self._task, self._fleet.storage.pages
        folder = pages.stage(job.chapter_id)
        part = Part(pdf, job.total_pages, job.request.first_page)
        leave_off_at = time.monotonic() + _LEAVE_OFF_AFTER_S
        end, work = task.last + 1, None
        with (
            self._pool.rendering(part, folder, job.request.on_bad_page, task.pages) as rendering,
            pages.storing(job.chapter_id, _impatient(rendering)) as next_page,
        ):
            while work is None or self._next < end:
                self._check_if_due()
                if self._stopping.is_set():
                    leave_off_at = min(leave_off_at, time.monotonic())
                    if time.monotonic() >= leave_off_at + _STOP_AFTER_S:
                        raise Stopping
                if self._stored and time.monotonic() >= leave_off_at:
                    end = rendering.leave_off()
                page = next_page(_WAIT_S)
                if page:
                    if not self._stored:
                        leave_off_at = max(leave_off_at, time.monotonic() + _RENDER_FOR_S)
                    self._stored[page.number] = page
                work = self._record_if_due(end, publish) or work
        return work

    def _record_if_due(self, end: int, publish: int) -> Work | None:
        """Record stored pages: those after the recorded ones, as far as there is no gap.

        None if it is not time, or the database is away.
        """
        done = self._next
        while done in self._stored:
            done += 1
        is_due = done == end or time.monotonic() >= self._next_record
        if done == self._next or not is_due:
            return None
        self._next_record = time.monotonic() + _RECORD_INTERVAL_S
        self._next_check = time.monotonic() + _CHECK_INTERVAL_S
        pages = [self._stored[number] for number in range(self._next, done)]
        database, now = self._fleet.database, self._fleet.clock.now()
        with self._patience():
            work = database.fleet.store(
                self._job, pages, publish if done > self._task.last else 0, now
            )
            if work is None:
                raise NotWanted("the pages were recorded by another task, or the job has ended")
            self._next = done
            self._advance(self._job.rendered(work.pages_done), _OPENED + work.pages_done)
            return work
        return None

    def _advance(self, job: Job, step: float) -> bool:
        with self._patience():
            return self._fleet.database.fleet.advance(job, step)
        return False

    def _check_if_due(self) -> bool:
        is_due = time.monotonic() >= self._next_check
        if is_due:
            self._check()
        return is_due

    def _check(self) -> None:
        """Record that this task is at work. Raises NotWanted."""
        self._next_check = time.monotonic() + _CHECK_INTERVAL_S
        fleet, clock = self._fleet.database.fleet, self._fleet.clock
        with self._patience():
            if not fleet.touch(self._job.job_id, clock.now()):
                raise NotWanted("the job has ended, or is out of time")

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """Go on with the work if the database is away, but not for longer than a minute."""
        try:
            yield
            self._give_up_at = math.inf
        except DatabaseError:
            self._give_up_at = min(self._give_up_at, time.monotonic() + _PATIENCE_S)
            if time.monotonic() >= self._give_up_at:
                raise


def _impatient(rendering: RenderTask) -> NextPage:
    """Threads that store pages end only after the page that they wait for."""
    return lambda timeout_s: rendering.next_page(min(timeout_s, _LONGEST_WAIT_S))
