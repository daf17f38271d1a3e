"""How a job of a fleet fails, whoever finds out: an API server, a worker, or a chore of either."""

import logging
from datetime import timedelta

from wordai_jobs import logs
from wordai_jobs.database.client import Database
from wordai_jobs.jobs.celery.clock import FleetClock
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.model.job import Job, JobError
from wordai_jobs.storage.storage import Storage

# A worker notices within two seconds that a job has failed, and its last request to the store ends
# within half a minute.
_LOOK_AGAIN_AFTER = timedelta(seconds=60)

logger = logging.getLogger(__name__)


class Ending:
    """Fails jobs, so that nothing of them is left."""

    def __init__(
        self, database: Database, storage: Storage, clock: FleetClock, metrics: JobMetrics
    ) -> None:
        self._database = database
        self._storage = storage
        self._clock = clock
        self._metrics = metrics

    def fail(self, job_id: str, error: JobError) -> None:
        """Make a job fail, unless it has ended or is failing already. Raises DatabaseError.

        First, one conditional update settles that the job can no longer complete. Then the files
        and the record of its chapter are removed. The job is marked as failed last.
        """
        failing = self._database.fleet.begin_failure(job_id, error)
        if failing:
            self.finish(failing)

    def finish(self, failing: Job) -> None:
        """End a job that is failing. Raises DatabaseError."""
        assert failing.failure
        with logs.about_job(failing.job_id):
            logger.info("job %s failed: %s", failing.job_id, failing.failure.message)
            self.remove_pages(failing)
            ended = failing.failed(failing.failure.message)
            if self._database.fleet.end(ended, self._clock.now() + _LOOK_AGAIN_AFTER):
                self._metrics.failed(failing.failure.error_class, ended.age_s)

    def remove_pages(self, job: Job) -> bool:
        """Remove the chapter of a job that cannot complete, and its page files.

        False if the store is away: a job that ends does not wait for it, and the files are removed
        later.
        """
        if not job.chapter_id:
            return True
        self._database.chapters.remove(job.chapter_id)
        if self._storage.problem():
            return False
        self._storage.pages.remove(job.chapter_id)
        return True
