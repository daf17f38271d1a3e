"""What a worker does for a job: render some of its pages, or create its chapter."""

import logging
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from wordai_jobs.errors import DatabaseError, StorageError
from wordai_jobs.jobs.celery.fleet import Fleet
from wordai_jobs.jobs.celery.lookout import Lookout
from wordai_jobs.jobs.celery.messages import BrokerAway
from wordai_jobs.jobs.celery.stretch import NotWanted, Stopping, Stretch
from wordai_jobs.jobs.metrics import Phase
from wordai_jobs.jobs.outcome import chapter_of, job_error
from wordai_jobs.library.chapter_index import make_index
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.job import CANCELLED, ErrorClass, Job, JobError, JobStatus
from wordai_jobs.model.work import STRETCH, Task, Work
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.rendering.task import FolderGone

# If the database or the store is away for longer, a task is given up and published again later.
_PATIENCE_S = 60.0
_RETRY_PAUSE_S = 0.5
# A job gets more tasks into the queue while they need not wait there, and fewer if they wait for
# long: so a book spreads over all workers, and another user's page waits about a second.
_NO_WAIT_S = 0.1
_LONG_WAIT_S = 1.0
_FEW = 4

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Steps:
    """Does the tasks of jobs, on the threads that call it."""

    def __init__(self, fleet: Fleet, pool: RenderPool, lookout: Lookout) -> None:
        self._fleet = fleet
        self._lookout = lookout
        self._database = fleet.database
        self._storage = fleet.storage
        self._pool = pool
        # Once it is set, tasks leave off as soon as they can.
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        # What this worker has in hand: the first pages of tasks, by job.
        self._in_hand: set[tuple[str, int]] = set()
        self._of_chapter: Counter[str] = Counter()

    def render_pages(self, job_id: str, first: int, last: int, published_at: datetime) -> None:
        """Render pages of a job, store and record them, and publish what comes next.

        If the broker is away, what comes next is done here and now.
        """
        waited_s = (self._fleet.clock.now() - published_at).total_seconds()
        task: Task | None = Task(first, last)
        while task:
            if self.stopping.is_set():  # it came too late: for another worker
                self._publish_tasks(job_id, [task])
                return
            start, now = task.first, self._fleet.clock.now()
            found = self._persistently(lambda: self._database.fleet.find_wanted(job_id, start, now))
            if found is None or found.work is None:
                logger.debug("pages from %d on are not wanted (any more)", start)
                return
            task = self._render(found.job, found.work, task, waited_s)

    def create_chapter(self, job_id: str) -> None:
        """Create the chapter of a job whose pages are all stored. May be done twice."""
        found = self._persistently(lambda: self._database.fleet.find_with_pages(job_id))
        if found is None or found.work is None or found.job.failure:
            return
        job, pages = found.job, found.work.all_pages()
        if not found.work.is_rendered:
            return
        if all(page.problem for page in pages):
            self._fail(job, JobError(pages[0].problem or "", ErrorClass.BAD_PDF))
            return
        try:
            with self._fleet.metrics.phase(Phase.CREATE):
                self._create_chapter(job, pages)
        except (DatabaseError, StorageError):
            raise
        except Exception as error:
            self._fail(job, job_error(error, job_id))

    def _render(self, job: Job, work: Work, task: Task, waited_s: float) -> Task | None:
        """Do one task. Returns the next one if it could not be published."""
        with self._holding(job, task) as is_held:
            if not is_held:
                return None
            publish = _tasks_to_publish(work, task, waited_s)
            stretch = Stretch(self._fleet, self._pool, job, task, self.stopping)
            try:
                with self._fleet.metrics.phase(Phase.RENDER):
                    work = stretch.run(work, publish)
            except (NotWanted, FolderGone) as reason:
                logger.debug("pages from %d on are not wanted: %s", task.first, reason)
                self._remove_if_failed(job)
                return None
            except Stopping:
                publish = 0  # the rest of this task is for another worker
            except (DatabaseError, StorageError):
                raise  # not the job's fault: the task is published again
            except Exception as error:  # every job ends, even if it meets a bug
                self._fail(job, job_error(error, job.job_id))
                return None
        if work.is_rendered:
            self._publish_creation(job)
            return None
        following = work.stretches(work.published - publish, work.published)
        return self._publish_tasks(job.job_id, [stretch.rest] if stretch.rest else list(following))

    def _publish_tasks(self, job_id: str, tasks: list[Task]) -> Task | None:
        """Returns the first task that could not be published; the lookout publishes the others."""
        for task in tasks:
            try:
                self._fleet.messages.render_pages(job_id, task, self._fleet.clock.now())
            except BrokerAway:
                return task
        return None

    def _publish_creation(self, job: Job) -> None:
        try:
            self._fleet.messages.create_chapter(job.job_id, self._fleet.clock.now())
        except BrokerAway:
            self.create_chapter(job.job_id)

    def _create_chapter(self, job: Job, pages: list[Page]) -> None:
        fleet, total = self._database.fleet, job.total_pages
        self._persistently(lambda: make_index(self._storage.pages, job.chapter_id, total))
        size = self._persistently(lambda: self._storage.pages.size(job.chapter_id))
        # If another task has completed the job in the meantime, its owner may have removed the
        # chapter since. And a state must not be older than the last one that was recorded.
        current = self._persistently(lambda: fleet.find(job.job_id))
        if current is None or current.status.has_ended:
            return
        uploads = self._database.uploads
        upload = self._persistently(lambda: uploads.find_with_outline(job.file_id))
        chapter = chapter_of(job, pages, size, self._pool.dpi, upload)
        self._persistently(lambda: self._database.chapters.insert(chapter))
        if not self._persistently(lambda: self._database.books.chapter_came(chapter)):
            self._fail(job, CANCELLED)  # the book was deleted
            return
        completed = current.completed()
        if self._persistently(lambda: fleet.end(completed)):
            self._fleet.metrics.completed(completed.age_s)
            logger.info("job %s completed: %d pages", job.job_id, total)
            self._lookout.give_turn(job.user_id)
        else:
            self._remove_if_failed(job)

    def _fail(self, job: Job, error: JobError) -> None:
        self._persistently(lambda: self._fleet.ending.fail(job.job_id, error))
        # If another task has failed it before, this one may have stored pages since.
        self._remove_if_failed(job)
        self._lookout.give_turn(job.user_id)

    def _remove_if_failed(self, job: Job) -> None:
        """Remove what was stored just now for a job that has failed."""
        found = self._persistently(lambda: self._database.fleet.find(job.job_id))
        if found and (found.failure or found.status is JobStatus.FAILED):
            self._persistently(lambda: self._fleet.ending.remove_pages(job))

    @contextmanager
    def _holding(self, job: Job, task: Task) -> Iterator[bool]:
        """Have a task in hand; False if this worker has it in hand already, from another message.

        The local files of the chapter are removed with the last task of it.
        """
        key = (job.job_id, task.first)
        with self._lock:
            is_first = key not in self._in_hand
            if is_first:
                self._in_hand.add(key)
                self._of_chapter[job.chapter_id] += 1
        try:
            yield is_first
        finally:
            if is_first:
                with self._lock:
                    self._in_hand.remove(key)
                    self._of_chapter[job.chapter_id] -= 1
                    if not self._of_chapter[job.chapter_id]:
                        del self._of_chapter[job.chapter_id]
                        staging = self._storage.folder.staging / job.chapter_id
                        shutil.rmtree(staging, ignore_errors=True)

    def _persistently(self, operation: Callable[[], T]) -> T:
        """Repeat an operation while the database or the store is away, for a minute at most."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return operation()
            except (DatabaseError, StorageError):
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_RETRY_PAUSE_S)


def _tasks_to_publish(work: Work, task: Task, waited_s: float) -> int:
    """How many further stretches are published once this one is done."""
    if waited_s < _NO_WAIT_S:
        return 2
    # Only every other task skips: all that are in hand now decide at the same time.
    skips = waited_s > _LONG_WAIT_S and work.in_hand > _FEW and task.last // STRETCH % 2
    return 0 if skips else 1
