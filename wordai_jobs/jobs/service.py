"""What callers may do with jobs. Checks who may, and nothing about HTTP."""

from datetime import datetime

from wordai_jobs.database.chapters import ChapterRepository
from wordai_jobs.database.jobs import JobRepository
from wordai_jobs.errors import AccessDenied, NotFound
from wordai_jobs.jobs.runner import JobRunner
from wordai_jobs.jobs.running import RunningJob
from wordai_jobs.model.book import Page
from wordai_jobs.model.job import ChapterRequest, Job, JobStatus
from wordai_jobs.model.upload import Upload


class JobService:
    """Enqueues jobs and tells how they stand."""

    def __init__(
        self, instance_id: str, timeout_s: int, jobs: JobRepository, chapters: ChapterRepository, runner: JobRunner,
    ) -> None:
        self._instance_id = instance_id
        self._timeout_s = timeout_s
        self._jobs = jobs
        self._chapters = chapters
        self._runner = runner

    def enqueue(self, upload: Upload, book_id: str, request: ChapterRequest) -> Job:
        """Record a job of the upload's owner and let it wait for its turn; raises Busy or DatabaseError, then there is none."""
        job = Job.enqueued(
            upload.user_id, book_id, upload.file_id, upload.filename, upload.page_count, self._instance_id, request)
        running = RunningJob(job, self._jobs, self._timeout_s)
        self._runner.admit(running)
        try:
            self._jobs.insert(job)
        except BaseException:
            self._runner.withdraw(running)
            raise
        self._runner.queue(running)
        return job

    def get(self, job_id: str, user_id: str) -> Job:
        """The job as it stands; raises NotFound, AccessDenied or DatabaseError."""
        running = self._runner.live(job_id)
        job = running.job if running else self._jobs.find(job_id)
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
        self, user_id: str, limit: int, *, status: JobStatus | None = None, book_id: str | None = None,
        before: tuple[datetime, str] | None = None,
    ) -> list[Job]:
        """Up to `limit` jobs of the user, newest first."""
        return self._jobs.page(user_id, limit, status=status, book_id=book_id, before=before)

    def of_chapter(self, chapter_id: str, user_id: str) -> Job | None:
        """The job of this user that makes, or made, the chapter."""
        return self._jobs.find_by_chapter(chapter_id, user_id)
