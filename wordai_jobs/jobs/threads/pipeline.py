"""The steps of a job: fetch the PDF, render its pages, create the chapter."""

import logging
import time
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from wordai_jobs import logs
from wordai_jobs.database.client import Database
from wordai_jobs.errors import DatabaseError
from wordai_jobs.files import syncing
from wordai_jobs.jobs.metrics import JobMetrics, Phase
from wordai_jobs.jobs.outcome import abort_error, chapter_of, job_error
from wordai_jobs.jobs.threads.live import JobAborted, JobLost, LiveJob
from wordai_jobs.library.chapter_index import ChapterIndex, growing_index
from wordai_jobs.model.job import CANCELLED, Job, JobError, JobStatus
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.rendering.task import Part
from wordai_jobs.storage.storage import Storage

# How often a job checks whether it is cancelled or overdue while it waits for a page.
_CHECK_INTERVAL_S = 0.25
# While a book has more pages than these left, a job looks for pages after each pause, and takes all
# that are done: to wake up for each of them kept the threads of the renderers waiting.
_MANY_PAGES_LEFT = 16
_PAUSE_S = 0.05
# Pages are synced after each of so many. While others are rendered, the disk has little to do: to
# sync 285 pages at the end of a book took 0.1 s, in which no core had anything to do.
_SYNC_EVERY_PAGES = 32

logger = logging.getLogger(__name__)


class Pipeline:
    """Runs a job from its first step to its end, on the thread that calls `run`."""

    def __init__(
        self, database: Database, storage: Storage, pool: RenderPool, metrics: JobMetrics
    ) -> None:
        self._database = database
        self._storage = storage
        self._pool = pool
        self._metrics = metrics

    def run(self, live: LiveJob) -> None:
        """Do all steps, and record how the job ends. Raises nothing."""
        with logs.about_job(live.job.job_id):
            try:
                with self._metrics.phase(Phase.FETCH):
                    fetched = self._fetch(live)
                chapter_id, total = live.job.chapter_id, live.job.total_pages
                with growing_index(self._storage, chapter_id, total) as index:
                    with fetched as pdf, self._metrics.phase(Phase.RENDER):
                        live.report(Job.fetched)
                        self._render(live, pdf, index)
                    with self._metrics.phase(Phase.CREATE):
                        self._create_chapter(live, index)
            except JobLost:
                self._give_up(live)
            except DatabaseError as error:
                _leave_to_sweep(live, error)
            except JobAborted as aborted:
                self.fail(live, abort_error(aborted.error, self._storage))
            except Exception as error:  # every job ends, even if it meets a bug
                self.fail(live, job_error(error, live.job.job_id))
            else:
                self._metrics.completed(live.job.age_s)
                logger.info("job %s completed: %d pages", live.job.job_id, live.job.total_pages)

    def fail(self, live: LiveJob, error: JobError) -> None:
        """Fail a job that `run` is not running. Raises nothing.

        First, one conditional update settles that the job can no longer complete. Then the files
        and the record of its chapter are removed. The job is marked as failed last, because a
        failed job must have left nothing behind.
        """
        with logs.about_job(live.job.job_id):
            logger.info("job %s failed: %s", live.job.job_id, error.message)
            try:
                live.begin_failure(error)
                self._remove(live)
                live.end(live.job.failed(error.message))
                self._metrics.failed(error.error_class, live.job.age_s)
            except JobLost:
                self._give_up(live)
            except DatabaseError as database_error:
                _leave_to_sweep(live, database_error)

    def _fetch(self, live: LiveJob) -> AbstractContextManager[Path]:
        def on_progress(done: float) -> None:
            live.check()
            live.report(lambda job: job.fetching(done))

        live.check()
        live.begin(live.job.fetching())
        self._metrics.started(live.job.age_s)
        return self._storage.uploads.fetch(live.job.file_id, on_progress)

    def _render(self, live: LiveJob, pdf: Path, index: ChapterIndex) -> None:
        job = live.job
        folder = self._storage.pages.stage(job.chapter_id)
        part = Part(pdf, job.total_pages, job.request.first_page)
        with (
            self._pool.rendering(part, folder, job.request.on_bad_page) as task,
            self._storage.pages.storing(job.chapter_id, task) as next_page,
        ):
            while len(live.pages) < job.total_pages:
                live.check()
                may_pause = 0 < len(live.pages) < job.total_pages - _MANY_PAGES_LEFT
                page = next_page(0 if may_pause else _CHECK_INTERVAL_S)
                if page:
                    live.pages.append(page)
                    index.add(page.number)
                elif may_pause:
                    time.sleep(_PAUSE_S)
                # Report even if there is no new page: the last report may have been left out.
                done = len(live.pages)
                live.report(partial(Job.rendered, done=done) if done else Job.opened)
                if page and done % _SYNC_EVERY_PAGES == 0 and done < job.total_pages:
                    self._storage.pages.sync(job.chapter_id)

    def _create_chapter(self, live: LiveJob, index: ChapterIndex) -> None:
        live.report(Job.creating)
        live.persistently(index.store)
        with syncing(partial(self._storage.pages.sync, live.job.chapter_id)):
            size = live.persistently(lambda: self._storage.pages.size(live.job.chapter_id))
            uploads = self._database.uploads
            upload = live.persistently(lambda: uploads.find_with_outline(live.job.file_id))
        live.report(Job.written)
        live.check()
        chapter = chapter_of(live.job, live.pages, size, self._pool.dpi, upload)
        self._storage.pages.publish(live.job.chapter_id)
        live.persistently(lambda: self._database.chapters.insert(chapter))
        if not live.persistently(lambda: self._database.books.chapter_came(chapter)):
            raise JobAborted(CANCELLED)  # the book was deleted
        live.end(live.job.completed())

    def _give_up(self, live: LiveJob) -> None:
        """Leave a job that this server has lost: its record is gone, or was ended elsewhere.

        Its pages are removed, unless it is completed.
        """
        try:
            record = live.to_the_last(lambda: self._database.jobs.find(live.job.job_id))
            logger.warning(
                "job %s is no longer this server's: %s",
                live.job.job_id,
                record.status if record else "its record is gone",
            )
            if record is None or record.status is not JobStatus.COMPLETED:
                self._remove(live)
        except DatabaseError as error:
            _leave_to_sweep(live, error)

    def _remove(self, live: LiveJob) -> None:
        chapter_id = live.job.chapter_id
        live.to_the_last(lambda: self._database.chapters.remove(chapter_id))
        self._storage.pages.remove(chapter_id)


def _leave_to_sweep(live: LiveJob, error: DatabaseError) -> None:
    """The database was away for too long. The sweep ends the job when it is back."""
    logger.error("job %s is left to the sweep: %s", live.job.job_id, error.message)
