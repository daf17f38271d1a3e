"""The steps of a job: fetch the PDF, have its pages rendered, make the chapter appear."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from wordai_jobs import logs
from wordai_jobs.clock import utc_now
from wordai_jobs.database.books import BookRepository
from wordai_jobs.database.chapters import ChapterRepository
from wordai_jobs.errors import DatabaseError, StorageFull
from wordai_jobs.jobs.error_class import error_class
from wordai_jobs.jobs.metrics import JobMetrics, Phase
from wordai_jobs.jobs.running import JobAborted, JobLost, RunningJob
from wordai_jobs.model.book import Chapter
from wordai_jobs.model.job import JobStatus
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.rendering.task import RenderingError
from wordai_jobs.storage.pages import PageStore
from wordai_jobs.storage.uploads import UploadStore

# How soon a cancelled or overdue job notices while no page gets done.
_CHECK_INTERVAL_S = 0.25

logger = logging.getLogger(__name__)


class UploadGone(Exception):
    """The uploaded PDF is not there any more."""


class Pipeline:
    """Runs one job from its first step to its end, on the thread that calls `run`."""

    def __init__(
        self,
        uploads: UploadStore,
        pages: PageStore,
        pool: RenderPool,
        books: BookRepository,
        chapters: ChapterRepository,
        metrics: JobMetrics | None = None,
    ) -> None:
        self._uploads = uploads
        self._pages = pages
        self._pool = pool
        self._books = books
        self._chapters = chapters
        self._metrics = metrics or JobMetrics()

    def run(self, running: RunningJob) -> None:
        """Every outcome is recorded here; nothing is raised."""
        with logs.about_job(running.job.job_id), _left_to_the_sweep(running.job.job_id):
            try:
                self._run_steps(running)
                logger.info(
                    "job %s completed: %d pages", running.job.job_id, running.job.total_pages
                )
            except JobLost:
                self._clean_up_after_others(running)
            except DatabaseError:
                raise
            except Exception as error:  # every job ends, also one that meets a bug
                self._fail(running, _words(error, running.job.job_id))

    def fail(self, running: RunningJob, error: str) -> None:
        """End a job that this thread does not run: one that waits in line. As with `run`, nothing
        is raised.
        """
        with logs.about_job(running.job.job_id), _left_to_the_sweep(running.job.job_id):
            self._fail(running, error)

    def _run_steps(self, running: RunningJob) -> None:
        with self._metrics.phase(Phase.FETCH):
            self._fetch(running)
        with self._metrics.phase(Phase.RENDER):
            self._render(running)
        with self._metrics.phase(Phase.CREATE):
            self._create_chapter(running)
        self._metrics.completed(running.job.age_s)

    def _fetch(self, running: RunningJob) -> None:
        running.check()
        running.advance(running.job.fetching())
        self._metrics.started(running.job.age_s)
        if not self._uploads.path(running.job.file_id).is_file():
            raise UploadGone
        running.report(running.job.fetched())

    def _render(self, running: RunningJob) -> None:
        job = running.job
        folder = self._pages.stage(job.chapter_id)
        with self._pool.rendering(self._uploads.path(job.file_id), folder, job.total_pages) as task:
            while len(running.pages) < job.total_pages:
                running.check()
                page = task.next_page(_CHECK_INTERVAL_S)
                if page:
                    running.pages.append(page)
                # Also where the next page takes long: what was left out a moment ago is told then.
                running.report(
                    running.job.rendered(len(running.pages))
                    if running.pages
                    else running.job.opened()
                )

    def _create_chapter(self, running: RunningJob) -> None:
        running.advance(running.job.creating())
        self._pages.sync(running.job.chapter_id)
        running.report(running.job.written())
        running.check()
        try:
            self._pages.publish(running.job.chapter_id)
        except FileNotFoundError as error:
            raise JobLost from error
        chapter = _chapter(running)
        running.persistently(lambda: self._chapters.insert(chapter))
        running.persistently(lambda: self._books.touch(chapter.book_id, chapter.created_at))
        running.end(running.job.completed())

    def _fail(self, running: RunningJob, error: str) -> None:
        """Remove what there is of the chapter, then record the failure: a failed job has left
        nothing.
        """
        logger.info("job %s failed: %s", running.job.job_id, error)
        self._remove(running)
        try:
            running.end(running.job.failed(error))
            self._metrics.failed(error_class(error), running.job.age_s)
        except JobLost:
            self._clean_up_after_others(running)

    def _clean_up_after_others(self, running: RunningJob) -> None:
        """Another server took this one for dead and has ended the job, or is about to.

        What this one wrote is removed, unless it was in place in time and the other has completed
        the job with it.
        """
        end = running.end_by_others()
        logger.warning(
            "job %s was ended by another server: %s",
            running.job.job_id,
            end.status if end else "unknown",
        )
        if end is None or end.status is not JobStatus.COMPLETED:
            self._remove(running)

    def _remove(self, running: RunningJob) -> None:
        chapter_id = running.job.chapter_id
        running.to_the_last(lambda: self._chapters.remove(chapter_id))
        self._pages.remove(chapter_id)


@contextmanager
def _left_to_the_sweep(job_id: str) -> Iterator[None]:
    """Where the database stays away past a job's time, only the sweep can end the job, by what it
    finds later.
    """
    try:
        yield
    except DatabaseError as error:
        logger.error("job %s is left to the sweep: %s", job_id, error.words)


def _chapter(running: RunningJob) -> Chapter:
    job, now = running.job, utc_now()
    return Chapter(
        chapter_id=job.chapter_id,
        book_id=job.book_id,
        user_id=job.user_id,
        file_id=job.file_id,
        title=job.request.title,
        slug=job.request.slug,
        order_index=job.request.order_index,
        parent_id=job.request.parent_id,
        is_published=job.request.is_published,
        is_preview_free=job.request.is_preview_free,
        total_pages=job.total_pages,
        created_at=now,
        updated_at=now,
        pages=tuple(sorted(running.pages, key=lambda page: page.number)),
    )


def _words(error: Exception, job_id: str) -> str:
    """What the job's owner reads; what nobody foresaw goes to the log in full."""
    if isinstance(error, JobAborted | RenderingError):
        return str(error)
    if isinstance(error, StorageFull):
        return error.detail
    if isinstance(error, UploadGone):
        return "The uploaded PDF is no longer there"
    logger.error("job %s met an unexpected error", job_id, exc_info=error)
    return "Internal error"
