"""A task at work: it renders pages of one job, and stores and records them as they come."""

import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from wordai_jobs.errors import DatabaseError, StorageError
from wordai_jobs.jobs.celery.fleet import Fleet
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.job import Job, JobStatus
from wordai_jobs.model.work import Task, Work
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.rendering.task import Part

# A task leaves the rest of its pages to another one after this time, so that others need not wait,
# but not so soon after its first page: before that, it may have waited for the renderers.
_LEAVE_OFF_AFTER_S = 1.0
_RENDER_FOR_S = 0.5
# How often pages are recorded that take long. Others are recorded when the task leaves off.
_RECORD_INTERVAL_S = 1.5
# How often a task that records nothing looks whether its job is still wanted: a cancelled one must
# end within 2 s.
_CHECK_INTERVAL_S = 1.2
# States of a job that last no longer than this are not recorded.
_NOTEWORTHY_S = 0.25
# A job on which nobody has worked for longer, because its messages wait, might soon count as lost.
_LONG_UNTOUCHED = timedelta(seconds=4)
_WAIT_S = 0.1
_RETRY_PAUSE_S = 0.5
# How long a page that is being rendered may take when the worker stops.
_STOP_AFTER_S = 5.0
# If the database is away for longer, the task is given up, and published again later.
_PATIENCE_S = 60.0

# The steps of a job, which only grow (FleetRepository.advance). Fetching ends before 2. After
# opened, there is one for each page.
_FETCHING, _OPENED = 1, 3


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
        # A state of the job, and its step, that are recorded at the next check.
        self._unrecorded: tuple[Job, float] | None = None
        self._is_new = job.status is JobStatus.PENDING
        # Somebody may wait for the first page of a chapter.
        self._next_record = 0 if task.first == 1 else time.monotonic() + _RECORD_INTERVAL_S
        self._give_up_at = math.inf

    def run(self, work: Work, publish: int) -> Work:
        """Render until the last page, or until it is time to leave off.

        `work`: as it was found. `publish`: how many further stretches are recorded as published if
        this one is done. Returns the work as it is then. Raises NotWanted, Stopping, and all that
        rendering and storing raise.
        """
        if self._fleet.clock.now() - work.touched_at > _LONG_UNTOUCHED:
            self._next_check = 0
        with self._fetched() as pdf:
            return self._render(pdf, work, publish)

    @property
    def rest(self) -> Task | None:
        """What this task has left to another one."""
        return Task(self._next, self._task.last) if self._next <= self._task.last else None

    @contextmanager
    def _fetched(self) -> Iterator[Path]:
        """The PDF as a local file. The store may be away for as long as the job has time."""
        if self._is_new:
            self._job = self._job.fetching()
            self._record_soon(self._job, _FETCHING)
            if self._task.first == 1:
                self._fleet.metrics.started(self._job.age_s)
        self._check_if_due()
        while True:
            try:
                fetched = self._fleet.storage.uploads.fetch(self._job.file_id, self._on_progress)
                break
            except StorageError:
                self._check()
                if self._stopping.wait(_RETRY_PAUSE_S):
                    raise Stopping from None
        with fetched as pdf:
            if self._is_new:
                self._record_soon(self._job.opened(), _OPENED)
            yield pdf

    def _on_progress(self, done: float) -> None:
        if self._stopping.is_set():
            raise Stopping
        if self._is_new:
            self._unrecorded = self._job.fetching(done), _FETCHING + done / 2
        self._check_if_due()

    def _render(self, pdf: Path, work: Work, publish: int) -> Work:
        job, task, pages = self._job, self._task, self._fleet.storage.pages
        folder = pages.stage(job.chapter_id)
        part = Part(pdf, job.total_pages, job.request.first_page)
        leave_off_at = time.monotonic() + _LEAVE_OFF_AFTER_S
        end = task.last + 1
        with (
            self._pool.rendering(part, folder, job.request.on_bad_page, task.pages) as rendering,
            pages.storing(job.chapter_id, rendering) as next_page,
        ):
            while self._next < end:
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
                work = self._record_if_due(work, end, publish)
        return work

    def _record_if_due(self, work: Work, end: int, publish: int) -> Work:
        """Record stored pages: those after the recorded ones, as far as there is no gap.

        Returns the work as it is then: as before if it is not time, or the database is away.
        """
        done = self._next
        while done in self._stored:
            done += 1
        is_due = done == end or time.monotonic() >= self._next_record
        if done == self._next or not is_due:
            return work
        self._next_record = time.monotonic() + _RECORD_INTERVAL_S
        self._next_check = time.monotonic() + _CHECK_INTERVAL_S
        pages = [self._stored[number] for number in range(self._next, done)]
        with self._patience():
            recorded = self._record(work, pages, publish if done > self._task.last else 0)
            if recorded is None:
                raise NotWanted("the pages were recorded by another task, or the job has ended")
            self._next = done
            self._unrecorded = None
            return recorded
        return work

    def _record(self, work: Work, pages: Sequence[Page], publish: int) -> Work | None:
        """Record pages, and the progress that follows. None if they are not wanted (any more)."""
        fleet, now = self._fleet.database.fleet, self._fleet.clock.now()
        if work.stretch_count == 1:  # no other task changes the progress
            last = pages[-1].number
            work = replace(work, pages_done=last, stretches_done=int(last == work.total_pages))
            state, step = self._state(work)
            return work if fleet.store_with_progress(state, step, pages, now) else None
        stored = fleet.store(self._job, pages, publish, now)
        if stored:
            state, step = self._state(stored)
            with self._patience():
                fleet.advance(state, step, now)
        return stored

    def _state(self, work: Work) -> tuple[Job, float]:
        """The state and the step of the job when the work has come so far."""
        job = self._job.creating() if work.is_rendered else self._job.rendered(work.pages_done)
        return job, _OPENED + work.pages_done

    def _record_soon(self, job: Job, step: float) -> None:
        """Record a state unless it is replaced before that is worth it."""
        self._unrecorded = job, step
        self._next_check = min(self._next_check, time.monotonic() + _NOTEWORTHY_S)

    def _check_if_due(self) -> None:
        if time.monotonic() >= self._next_check:
            self._check()

    def _check(self) -> None:
        """Record that this task is at work, and the state that is not recorded yet, if there is
        one. Raises NotWanted.
        """
        self._next_check = time.monotonic() + _CHECK_INTERVAL_S
        fleet, now = self._fleet.database.fleet, self._fleet.clock.now()
        with self._patience():
            is_recorded = self._unrecorded and fleet.advance(*self._unrecorded, now)
            self._unrecorded = None
            # A state that is not recorded may come too late, because another task has come further.
            if not is_recorded and not fleet.touch(self._job.job_id, now):
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
