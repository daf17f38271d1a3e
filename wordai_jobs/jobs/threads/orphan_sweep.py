"""Ends orphaned jobs: their server died, or the database was away for too long when they ended."""

import logging
from collections.abc import Callable

from wordai_jobs import logs
from wordai_jobs.clock import utc_now
from wordai_jobs.database.client import Database
from wordai_jobs.errors import DatabaseError, StorageError
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.model.job import CANCELLED, SERVER_RESTARTED, ErrorClass, Job, JobError
from wordai_jobs.storage.storage import Storage

_DATABASE_WAS_AWAY = JobError(
    "The database could not be reached while the job was running", ErrorClass.DATABASE
)

logger = logging.getLogger(__name__)


class Sweep:
    """Ends orphaned jobs.

    The process must hold the lock on the data folder. Then every unfinished job of the folder that
    this process does not run is an orphan.
    """

    def __init__(
        self,
        database: Database,
        storage: Storage,
        is_live: Callable[[str], bool] = lambda job_id: False,
        metrics: JobMetrics | None = None,
    ) -> None:
        """`is_live` returns whether this process runs the job with this id."""
        self._database = database
        self._storage = storage
        self._is_live = is_live
        self._metrics = metrics or JobMetrics()
        self._started_at = utc_now()

    def run(self) -> int:
        """End every orphaned job; returns their number.

        Raises DatabaseError if jobs cannot be listed. A job that cannot be ended is logged, and the
        next run tries again.
        """
        # Jobs of older releases and of other programs name no folder, and nobody else ends them.
        own = (None, self._storage.identity())
        for first in self._database.jobs.incomplete_batches(before=utc_now()):
            if first.folder_id in own and not self._is_live(first.job_id):
                with logs.about_job(first.job_id):
                    try:
                        self._database.jobs.complete_batch(first.job_id)
                    except DatabaseError as error:
                        logger.warning("the batch of job %s is incomplete: %s", first.job_id, error)
        orphans = [
            job
            for job in self._database.jobs.unfinished()
            if job.folder_id in own and not self._is_live(job.job_id)
        ]
        ended = 0
        for job in orphans:
            with logs.about_job(job.job_id):
                try:
                    ended += self._end(job)
                except (DatabaseError, StorageError, OSError) as error:
                    logger.warning(
                        "job %s could not be swept and will be tried again: %s", job.job_id, error
                    )
        return ended

    def _end(self, orphan: Job) -> bool:
        """Complete the job if its chapter exists, it was not failing and its book was not deleted;
        else remove its files and fail it.

        False if it has ended in the meantime.
        """
        failure = orphan.failure
        if failure is None and self._database.books.is_deleted(orphan.book_id):
            failure = CANCELLED
        if failure is None and self._database.chapters.find(orphan.chapter_id):
            # Its server may have died before it recorded this.
            self._database.books.stay_behind(orphan.book_id, orphan.request.order_index or 0)
            end = orphan.completed()
            if not self._database.jobs.update(end):
                return False
            self._metrics.completed(end.age_s)
        else:
            is_of_this_start = orphan.created_at >= self._started_at
            error = failure or (_DATABASE_WAS_AWAY if is_of_this_start else SERVER_RESTARTED)
            if orphan.chapter_id:
                self._database.chapters.remove(orphan.chapter_id)
                self._storage.pages.remove(orphan.chapter_id)
            end = orphan.failed(error.message)
            if not self._database.jobs.update(end):
                return False
            self._metrics.failed(error.error_class, end.age_s)
        logger.warning("job %s is swept: %s", end.job_id, end.status)
        return True
