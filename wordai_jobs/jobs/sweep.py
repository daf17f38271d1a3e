"""Ends the jobs that nobody runs any more: those of servers that died, and those a long absence of
the database left.
"""

import logging
from collections.abc import Callable

from wordai_jobs import logs
from wordai_jobs.clock import utc_now
from wordai_jobs.database.chapters import ChapterRepository
from wordai_jobs.database.instances import InstanceRepository
from wordai_jobs.database.jobs import JobRepository
from wordai_jobs.errors import DatabaseError
from wordai_jobs.jobs.error_class import error_class
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.model.instance import Instance
from wordai_jobs.model.job import SERVER_RESTARTED, Job
from wordai_jobs.storage.pages import PageStore

_DATABASE_WAS_AWAY = "The database could not be reached while the job was running"

logger = logging.getLogger(__name__)


class Sweep:
    """Looks for orphaned jobs. A job of a server that lives is never touched, whoever looks."""

    def __init__(
        self,
        instance_id: str,
        jobs: JobRepository,
        chapters: ChapterRepository,
        instances: InstanceRepository,
        pages: PageStore,
        live: Callable[[str], object | None],
        metrics: JobMetrics | None = None,
    ) -> None:
        """`live` finds a job that this process runs, by its id."""
        self._instance_id = instance_id
        self._jobs = jobs
        self._chapters = chapters
        self._instances = instances
        self._pages = pages
        self._live = live
        self._metrics = metrics or JobMetrics()

    def run(self) -> int:
        """End every orphaned job, each by itself; returns how many were ended. Raises DatabaseError
        where none can be read.
        """
        jobs = self._jobs.active()
        if not jobs:
            return 0
        instances = self._instances.all()
        return sum(self._end(job) for job in jobs if self._is_orphaned(job, instances))

    def _is_orphaned(self, job: Job, instances: dict[str, Instance]) -> bool:
        if job.instance_id == self._instance_id:
            return self._live(job.job_id) is None
        instance = instances.get(job.instance_id)
        return instance is None or instance.is_dead(utc_now())

    def _end(self, job: Job) -> bool:
        with logs.about_job(job.job_id):
            return self._try_to_end(job)

    def _try_to_end(self, job: Job) -> bool:
        try:
            return self._end_by_what_is_there(job)
        except (DatabaseError, OSError) as error:
            logger.warning(
                "job %s could not be swept and will be tried again: %s", job.job_id, error
            )
            return False

    def _end_by_what_is_there(self, orphan: Job) -> bool:
        """Complete a job whose chapter is in place, fail any other after removing its pages.

        The job is made this server's own first: if the other one lives after all, nothing it writes
        counts from then on.
        """
        own = self._jobs.adopt(orphan, self._instance_id)
        if own is None:
            return False
        if self._chapters.find(own.chapter_id):
            end = own.completed()
        else:
            self._pages.remove(own.chapter_id)
            is_own = orphan.instance_id == self._instance_id
            end = own.failed(_DATABASE_WAS_AWAY if is_own else SERVER_RESTARTED)
        logger.warning(
            "job %s of server %s is swept: %s", own.job_id, orphan.instance_id, end.status
        )
        if not self._jobs.update(end):
            return False
        if end.error:
            self._metrics.failed(error_class(end.error), end.age_s)
        else:
            self._metrics.completed(end.age_s)
        return True
