"""What a job ends with, in every engine: its chapter, or its error."""

import logging
from collections.abc import Iterable
from dataclasses import asdict, replace

from wordai_jobs.clock import utc_now
from wordai_jobs.errors import StorageFull
from wordai_jobs.model.chapter import Chapter, Page
from wordai_jobs.model.job import ErrorClass, Job, JobError
from wordai_jobs.model.pdf_info import outline_of_pages
from wordai_jobs.model.upload import Upload
from wordai_jobs.rendering.task import RenderingError
from wordai_jobs.storage.storage import Storage, UploadGone

_STORAGE_AWAY = JobError("Storage could not be reached", ErrorClass.STORAGE_AWAY)

logger = logging.getLogger(__name__)


def chapter_of(
    job: Job, pages: Iterable[Page], size: int, dpi: int, upload: Upload | None
) -> Chapter:
    """The chapter that the job makes; `size` is that of its page files in bytes, `dpi` the
    resolution of its images. The upload, if its record is still there, has the labels of all pages
    of the PDF, and the outline.
    """
    now = utc_now()
    fields = asdict(job.request)
    for of_the_job in ("on_bad_page", "last_page"):
        del fields[of_the_job]
    fields["order_index"] = fields["order_index"] or 0  # a job of another program may have none
    first_page = job.request.first_page
    in_pdf = range(first_page, first_page + job.total_pages)
    labels = dict(enumerate(upload.page_labels or (), 2 - first_page)) if upload else {}
    return Chapter(
        chapter_id=job.chapter_id,
        book_id=job.book_id,
        user_id=job.user_id,
        file_id=job.file_id,
        total_pages=job.total_pages,
        size=size,
        dpi=dpi,
        enqueued_at=job.created_at,
        created_at=now,
        updated_at=now,
        pages=tuple(
            replace(page, label=labels.get(page.number) or None) if labels else page
            for page in sorted(pages, key=lambda page: page.number)
        ),
        outline=outline_of_pages(upload.outline, in_pdf) if upload else (),
        **fields,
    )


def abort_error(error: JobError, storage: Storage) -> JobError:
    """The error of a job that was ended from outside: one that is late may be late for a reason."""
    is_late = error.error_class is ErrorClass.JOB_TIMEOUT
    return _STORAGE_AWAY if is_late and storage.problem() else error


def job_error(error: Exception, job_id: str) -> JobError:
    """The error that the job's owner reads. An unexpected error is logged in full."""
    if isinstance(error, RenderingError):
        return JobError(str(error), error.error_class)
    if isinstance(error, StorageFull):
        return JobError(error.detail, ErrorClass.STORAGE_FULL)
    if isinstance(error, UploadGone):
        return JobError("The uploaded PDF is no longer there", ErrorClass.UPLOAD_GONE)
    logger.error("job %s met an unexpected error", job_id, exc_info=error)
    return JobError("Internal error", ErrorClass.OTHER)
