"""A job: the work of turning one uploaded PDF into one chapter.

Every transition is a method that returns the next `Job`. Only this file contains the statuses,
progress and messages that clients rely on.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import uuid4

from wordai_jobs.clock import utc_now
from wordai_jobs.model.upload import DEFAULT_FILENAME, Upload

FETCHED_PROGRESS = 10
OPENED_PROGRESS = 30
PAGES_PROGRESS_SPAN = 40
CREATING_PROGRESS = 70
WRITTEN_PROGRESS = 99


class JobStatus(StrEnum):
    """The status of a job. `completed` and `failed` are final."""

    PENDING = "pending"  # the job is recorded, and waits for a worker
    PROCESSING = "processing"  # a worker runs it
    COMPLETED = "completed"  # its chapter and all pages can be read
    FAILED = "failed"  # there is no chapter, and nothing of the job is left

    @property
    def has_ended(self) -> bool:
        return self in (JobStatus.COMPLETED, JobStatus.FAILED)


ACTIVE = (JobStatus.PENDING, JobStatus.PROCESSING)


class ErrorClass(StrEnum):
    """Why a job failed, for statistics. Users read the error's message instead."""

    CANCELLED = "cancelled"
    JOB_TIMEOUT = "job_timeout"
    PAGE_TIMEOUT = "page_timeout"
    RENDERER_CRASH = "renderer_crash"
    OUT_OF_MEMORY = "out_of_memory"
    BAD_PDF = "bad_pdf"
    UPLOAD_GONE = "upload_gone"
    STORAGE_FULL = "storage_full"
    STORAGE_AWAY = "storage_away"
    DATABASE = "database"
    SERVER_STOPPED = "server_stopped"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed. Its owner reads `message`."""

    message: str
    error_class: ErrorClass


CANCELLED = JobError("Cancelled by user", ErrorClass.CANCELLED)
SERVER_RESTARTED = JobError("Server restarted while the job was running", ErrorClass.SERVER_STOPPED)
SERVER_SHUT_DOWN = JobError(
    "Server was shut down while the job was running", ErrorClass.SERVER_STOPPED
)


def counted_pages(count: int) -> str:
    """Such as `1 page` or `7 pages`."""
    return "1 page" if count == 1 else f"{count} pages"


def job_timeout(timeout_s: float) -> JobError:
    return JobError(f"Job took longer than {timeout_s:.0f} s", ErrorClass.JOB_TIMEOUT)


# What becomes of a page that cannot be rendered: it fails the job, or gets a blank image.
OnBadPage = Literal["fail", "placeholder"]


@dataclass(frozen=True, slots=True)
class ChapterRequest:
    """What the client asks for: the fields of the chapter, which pages of the PDF it has, and what
    to do about a bad page. Without a `last_page`, it has all from `first_page` on.

    The chapters of a book stand in the order of their `order_index`. If the client has sent none,
    it is chosen when the job is recorded, so that it does not matter which job ends first.
    """

    title: str = ""
    slug: str = ""
    order_index: int | None = None
    parent_id: str | None = None
    is_published: bool = True
    is_preview_free: bool = False
    on_bad_page: OnBadPage = "fail"
    first_page: int = 1
    last_page: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chapter belongs: its book, and its `order_index` there."""

    book_id: str
    order_index: int


@dataclass(frozen=True, slots=True)
class Job:
    """The state of a job.

    `chapter_id` is drawn with the job, so that the sweep can tell how far a job got. `folder_id` is
    the identity of the data folder of its pages. Records of other programs and older releases have
    neither. Jobs of one request have the same `batch_id`, the id of the first. `failure` is set as
    soon as the job can no longer complete.
    """

    job_id: str
    user_id: str
    book_id: str
    file_id: str
    created_at: datetime
    updated_at: datetime
    filename: str = DEFAULT_FILENAME
    total_pages: int = 0
    chapter_id: str = ""
    folder_id: str | None = None
    request: ChapterRequest = ChapterRequest()
    batch_id: str | None = None
    idempotency_key: str | None = None
    fingerprint: str | None = None
    status: JobStatus = JobStatus.PENDING
    progress: int = 0
    message: str = "PDF chapter creation job enqueued"
    error: str | None = None
    failure: JobError | None = None
    ended_at: datetime | None = None

    @classmethod
    def enqueued(
        cls,
        upload: Upload,
        book_id: str,
        request: ChapterRequest,
        folder_id: str | None,
        now: datetime | None = None,
    ) -> "Job":
        """A new job of the upload's owner. The PDF must have the pages that are asked for."""
        now = now or utc_now()
        return cls(
            job_id=str(uuid4()),
            user_id=upload.user_id,
            book_id=book_id,
            file_id=upload.file_id,
            created_at=now,
            updated_at=now,
            filename=upload.filename,
            total_pages=(request.last_page or upload.page_count) - request.first_page + 1,
            chapter_id=str(uuid4()),
            folder_id=folder_id,
            request=request,
        )

    def fetching(self, done: float = 0) -> "Job":
        """`done`: the part of the PDF that is fetched, from 0 to 1."""
        progress = int(FETCHED_PROGRESS * done)
        return self._moved(JobStatus.PROCESSING, progress, f"Downloading PDF: {self.filename}")

    def fetched(self) -> "Job":
        return self._moved(JobStatus.PROCESSING, FETCHED_PROGRESS, self.message)

    def opened(self) -> "Job":
        return self._moved(JobStatus.PROCESSING, OPENED_PROGRESS, "Extracting pages from PDF...")

    def rendered(self, done: int) -> "Job":
        """`done` pages of `total_pages` are in storage."""
        progress = OPENED_PROGRESS + PAGES_PROGRESS_SPAN * done // self.total_pages
        message = f"Processed {done}/{self.total_pages} pages..."
        return self._moved(JobStatus.PROCESSING, progress, message)

    def creating(self) -> "Job":
        return self._moved(JobStatus.PROCESSING, CREATING_PROGRESS, self._creating_message)

    def written(self) -> "Job":
        """The pages are safely on disk, and the chapter is about to appear."""
        return self._moved(JobStatus.PROCESSING, WRITTEN_PROGRESS, self._creating_message)

    def completed(self) -> "Job":
        pages = counted_pages(self.total_pages)
        job = self._moved(JobStatus.COMPLETED, 100, f"Chapter created successfully with {pages}")
        return replace(job, ended_at=job.updated_at)

    def failing(self, error: JobError) -> "Job":
        """The job will fail with this error once its files are removed. Clients do not see this."""
        return replace(self._moved(self.status, self.progress, self.message), failure=error)

    def failed(self, error: str) -> "Job":
        """The job has ended without a chapter. `error` is a message for its owner."""
        job = self._moved(JobStatus.FAILED, self.progress, f"PDF processing failed: {error}")
        return replace(job, error=error, ended_at=job.updated_at)

    @property
    def age_s(self) -> float:
        """Seconds from the job's enqueueing to its last change."""
        return (self.updated_at - self.created_at).total_seconds()

    @property
    def _creating_message(self) -> str:
        return f"Processed {self.total_pages} pages. Creating chapter..."

    def _moved(self, status: JobStatus, progress: int, message: str) -> "Job":
        now = utc_now()
        # Keep the order if the clock was set back, or two changes fall into one millisecond.
        if now <= self.updated_at:
            now = self.updated_at + timedelta(milliseconds=1)
        return replace(
            self,
            status=status,
            progress=max(progress, self.progress),
            message=message,
            updated_at=now,
        )
