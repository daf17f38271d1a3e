"""Jobs, and the pages that they have rendered so far."""

from typing import Annotated, Any, Literal, NotRequired, cast

from pydantic import Field
from typing_extensions import TypedDict  # pydantic cannot read typing's before Python 3.12

from wordai_jobs.model.job import Job, JobStatus
from wordai_jobs.web.openapi.parameters import CHAPTER_ID, JOB_ID
from wordai_jobs.web.response_bodies.fields import (
    BEFORE,
    NOW,
    ChapterId,
    Moment,
    TotalPages,
    closed,
)
from wordai_jobs.web.response_bodies.pages import PageBody

JobId = Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[JOB_ID])]


@closed
class JobResult(TypedDict):
    """What a completed job has made."""

    chapter_id: ChapterId
    total_pages: TotalPages


@closed
class JobBody(TypedDict):
    """A job. A failed job is a successful response, with status 200."""

    job_id: JobId
    user_id: Annotated[str, Field(description="its owner")]
    status: Annotated[
        Literal["pending", "processing", "completed", "failed"],
        Field(description="the last two never change again"),
    ]
    progress: Annotated[int, Field(ge=0, le=100, description="percent; never falls")]
    message: Annotated[str, Field(description="the current step, as a message for users")]
    result: NotRequired[Annotated[JobResult, Field(description="only when completed")]]
    error: NotRequired[
        Annotated[str, Field(description="only when failed: the reason, as a message for users")]
    ]
    created_at: Moment
    updated_at: Moment
    completed_at: NotRequired[Moment]
    failed_at: NotRequired[Moment]


def job_body(job: Job) -> JobBody:
    body: dict[str, Any] = {
        "job_id": job.job_id,
        "user_id": job.user_id,
        "status": job.status,
        "progress": job.progress,
        "message": job.message,
    }
    if job.status is JobStatus.COMPLETED:
        body["result"] = {"chapter_id": job.chapter_id, "total_pages": job.total_pages}
    elif job.status is JobStatus.FAILED:
        body["error"] = job.error or ""
    body["created_at"] = job.created_at
    body["updated_at"] = job.updated_at
    if job.ended_at:
        is_completed = job.status is JobStatus.COMPLETED
        body["completed_at" if is_completed else "failed_at"] = job.ended_at
    return cast(JobBody, body)


_JOB = {"job_id": JOB_ID, "user_id": "alice"}


JOB_EXAMPLES: dict[str, Any] = {
    "pending": {
        **_JOB,
        "status": "pending",
        "progress": 0,
        "message": "PDF chapter creation job enqueued",
        "created_at": BEFORE,
        "updated_at": BEFORE,
    },
    "processing": {
        **_JOB,
        "status": "processing",
        "progress": 46,
        "message": "Processed 120/283 pages...",
        "created_at": BEFORE,
        "updated_at": NOW,
    },
    "completed": {
        **_JOB,
        "status": "completed",
        "progress": 100,
        "message": "Chapter created successfully with 283 pages",
        "result": {"chapter_id": CHAPTER_ID, "total_pages": 283},
        "created_at": BEFORE,
        "updated_at": NOW,
        "completed_at": NOW,
    },
    "failed": {
        **_JOB,
        "status": "failed",
        "progress": 46,
        "message": "PDF processing failed: Out of memory",
        "error": "Out of memory",
        "created_at": BEFORE,
        "updated_at": NOW,
        "failed_at": NOW,
    },
}


CANCELLED_JOB_EXAMPLE = {
    **JOB_EXAMPLES["failed"],
    "message": "PDF processing failed: Cancelled by user",
    "error": "Cancelled by user",
}


@closed
class JobListBody(TypedDict):
    """Jobs, newest first, and where the list continues."""

    jobs: Annotated[
        list[JobBody], Field(examples=[[JOB_EXAMPLES["processing"], JOB_EXAMPLES["failed"]]])
    ]
    next_cursor: Annotated[
        str | None,
        Field(description="`cursor` of the next slice; null at the end", examples=[None]),
    ]


@closed
class JobsBody(TypedDict):
    """The jobs of one request, in its order."""

    jobs: Annotated[list[JobBody], Field(examples=[[JOB_EXAMPLES["pending"]]])]


@closed
class JobPagesBody(TypedDict):
    """The pages of a job that can be read so far."""

    total_pages: Annotated[int, Field(ge=0, examples=[283])]
    pages: list[PageBody]
