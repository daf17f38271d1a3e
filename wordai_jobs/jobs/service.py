"""What callers may do with jobs. Checks who may, and nothing about HTTP."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from datetime import datetime

from wordai_jobs.database.chapters import ChapterRepository
from wordai_jobs.database.jobs import JobRepository
from wordai_jobs.errors import AccessDenied, Busy, Conflict, NotFound
from wordai_jobs.jobs.lease import Lease
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.jobs.once import Once
from wordai_jobs.jobs.runner import JobRunner
from wordai_jobs.jobs.running import RunningJob
from wordai_jobs.model.book import Page
from wordai_jobs.model.job import CANCELLED, ChapterRequest, Job, JobStatus
from wordai_jobs.model.upload import Upload

# A running page is given up within a fraction of a second; the rest is for the database, and for
# another server.
_CANCEL_TIMEOUT_S = 10.0
_CANCEL_CHECK_S = 0.1
_CANCEL_RETRY_S = 5


@dataclass(frozen=True, slots=True)
class Enqueued:
    """A job, and whether it is one that an equal request had made before."""

    job: Job
    is_replay: bool


@dataclass(frozen=True, slots=True)
class JobLimits:
    """Seconds from enqueue until a job fails; jobs one user may have that have not ended."""

    timeout_s: int
    max_active_per_user: int


class JobService:
    """Enqueues jobs, ends them, tries them again, and tells how they stand."""

    def __init__(
        self,
        instance_id: str,
        limits: JobLimits,
        jobs: JobRepository,
        chapters: ChapterRepository,
        runner: JobRunner,
        once: Once,
        lease: Lease,
        metrics: JobMetrics | None = None,
    ) -> None:
        self._instance_id = instance_id
        self._limits = limits
        self._jobs = jobs
        self._chapters = chapters
        self._runner = runner
        self._once = once
        self._lease = lease
        self._metrics = metrics or JobMetrics()

    def enqueue(
        self,
        upload: Upload,
        book_id: str,
        request: ChapterRequest,
        idempotency_key: str | None = None,
    ) -> Enqueued:
        """Record a job of the upload's owner and let it wait for its turn.

        A key that the user has sent before, with the same content and fields, returns the job it
        made then. Raises Busy, TooManyJobs, DatabaseError, and Invalid where the key was sent with
        something else; then no job is made.
        """
        job = self._new_job(upload, book_id, request)
        if idempotency_key is None:
            self._take_in(job)
            return Enqueued(job, is_replay=False)
        return self._take_in_once(
            job, f"client:{idempotency_key}", _fingerprint(upload.sha256, book_id, request)
        )

    def retry(self, job_id: str, user_id: str, upload: Upload) -> Enqueued:
        """A new job from a failed one's inputs, of which `upload` is the PDF.

        Two retries of one job at once make one new job; a retry that has failed too can be had once
        more. Raises what `enqueue` raises, and Conflict where the job has not failed.
        """
        failed = self.get(job_id, user_id)
        if failed.status is not JobStatus.FAILED:
            raise Conflict(f"Only a failed job can be retried; this one is {failed.status}")
        job = self._new_job(upload, failed.book_id, failed.request)
        return self._take_in_once(job, f"retry:{job_id}", job_id, replace_failed=True)

    def cancel(self, job_id: str, user_id: str) -> Job:
        """End a job that has not ended; returns it once nothing is left of it.

        Raises Conflict where it has ended, and Busy where the server that has it does not answer.
        """
        job = self.get(job_id, user_id)
        if job.status.has_ended:
            raise Conflict(
                f"Job has already {'completed' if job.status is JobStatus.COMPLETED else 'failed'}"
            )
        if not self._runner.cancel(job_id, CANCELLED):
            self._jobs.request_cancellation(job_id)
        job = self._wait_for_end(job_id, user_id)
        if job.error != CANCELLED:
            raise Conflict(f"Job had {job.status} before it could be cancelled")
        return job

    def get(self, job_id: str, user_id: str) -> Job:
        """The job as it stands; raises NotFound, AccessDenied or DatabaseError."""
        job = self._find(job_id)
        if job is None:
            raise NotFound("job", job_id)
        if job.user_id != user_id:
            raise AccessDenied("job")
        return job

    def position(self, job: Job) -> int | None:
        """The job's place in this server's line, 1 is next; None where it does not wait in it."""
        return self._runner.position(job.job_id) if job.status is JobStatus.PENDING else None

    def pages(self, job: Job) -> list[Page]:
        """The pages that can be read so far, in their order."""
        running = self._runner.live(job.job_id)
        if running:
            return sorted(running.pages, key=lambda page: page.number)
        if job.status is not JobStatus.COMPLETED:
            return []
        chapter = self._chapters.find_with_pages(job.chapter_id)
        return list(chapter.pages) if chapter else []

    def list(
        self,
        user_id: str,
        limit: int,
        *,
        status: JobStatus | None = None,
        book_id: str | None = None,
        before: tuple[datetime, str] | None = None,
    ) -> list[Job]:
        """Up to `limit` jobs of the user, newest first."""
        return self._jobs.page(user_id, limit, status=status, book_id=book_id, before=before)

    def of_chapter(self, chapter_id: str, user_id: str) -> Job | None:
        """The job of this user that makes, or made, the chapter."""
        return self._jobs.find_by_chapter(chapter_id, user_id)

    def _new_job(self, upload: Upload, book_id: str, request: ChapterRequest) -> Job:
        return Job.enqueued(
            upload.user_id,
            book_id,
            upload.file_id,
            upload.filename,
            upload.page_count,
            self._instance_id,
            request,
        )

    def _take_in_once(
        self, job: Job, key: str, fingerprint: str, replace_failed: bool = False
    ) -> Enqueued:
        record, first = self._once.claim(
            job, key, fingerprint, lambda first: replace_failed and first.status is JobStatus.FAILED
        )
        if first:
            return Enqueued(first, is_replay=True)
        try:
            self._take_in(job)
        except BaseException:
            self._once.release(record)
            raise
        return Enqueued(job, is_replay=False)

    def _take_in(self, job: Job) -> None:
        elsewhere = self._jobs.count_active_elsewhere(job.user_id, self._instance_id)
        running = RunningJob(job, self._jobs, self._limits.timeout_s)
        self._runner.admit(running, self._limits.max_active_per_user, elsewhere)
        try:
            self._jobs.insert(job)
        except BaseException:
            self._runner.withdraw(running)
            raise
        self._metrics.accepted()
        self._runner.queue(running)

    def _find(self, job_id: str) -> Job | None:
        """From memory while no other server can have taken the job, else from the database."""
        running = self._runner.live(job_id)
        return running.job if running and self._lease.is_held else self._jobs.find(job_id)

    def _wait_for_end(self, job_id: str, user_id: str) -> Job:
        deadline = time.monotonic() + _CANCEL_TIMEOUT_S
        while True:
            job = self.get(job_id, user_id)
            if job.status.has_ended:
                return job
            if time.monotonic() > deadline:
                raise Busy(
                    "The job is being cancelled, which takes longer than usual", _CANCEL_RETRY_S
                )
            time.sleep(_CANCEL_CHECK_S)


def _fingerprint(sha256: str, book_id: str, request: ChapterRequest) -> str:
    """What makes two requests the same: the PDF's content, not where it is kept, and every
    field.
    """
    content = json.dumps([sha256, book_id, asdict(request)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
