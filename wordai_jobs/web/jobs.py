"""Enqueueing jobs, polling, listing, cancelling and retrying them."""

import base64
import binascii
import re
from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify, request

from wordai_jobs import logs
from wordai_jobs.clock import isoformat
from wordai_jobs.errors import DatabaseError, Invalid, StatusUnavailable
from wordai_jobs.jobs.service import Enqueued, JobService
from wordai_jobs.model.chapter import slugify
from wordai_jobs.model.job import ChapterRequest, Job
from wordai_jobs.web.access_log import log_as_poll
from wordai_jobs.web.authentication import authenticate, user_id
from wordai_jobs.web.files import incoming_pdf
from wordai_jobs.web.openapi.errors import (
    BOOK_ERRORS,
    JOB_ERRORS,
    JSON_ERRORS,
    QUEUE_ERRORS,
    QUOTA_REACHED,
    UPLOAD_ERRORS,
)
from wordai_jobs.web.openapi.operation import Form, Operation, Success
from wordai_jobs.web.request_bodies import (
    JobFilter,
    NewChapter,
    NewChapterFromFile,
    NewChaptersFromOutline,
    RetryOptions,
    form_body,
    json_body,
    optional_json_body,
    query,
)
from wordai_jobs.web.response_bodies.jobs import (
    CANCELLED_JOB_EXAMPLE,
    JOB_EXAMPLES,
    JobBody,
    JobListBody,
    JobPagesBody,
    JobsBody,
    job_body,
)
from wordai_jobs.web.response_bodies.pages import page_bodies
from wordai_jobs.web.services import services

_POLL_INTERVAL_S = 2
_LONGEST_POLL_INTERVAL_S = 30
# Several jobs run at once, and many take a moment: a longer pause would show jobs as waiting that
# have long ended.
_PLACES_PER_S = 2
_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_ACCEPTED = Success(
    202,
    "The job is recorded",
    JobBody,
    JOB_EXAMPLES,
    headers=("Location", "Retry-After", "X-Queue-Position", "Idempotency-Replayed"),
)

_PREFIX = "/api/v1/books"
STATUS_ROUTE = f"{_PREFIX}/jobs/<job_id>"

blueprint = Blueprint("jobs", __name__, url_prefix=_PREFIX)
blueprint.before_request(authenticate)


@blueprint.post("/<book_id>/chapters/from-pdf")
@Operation(
    "Enqueue a job that makes a chapter from an uploaded PDF, or from one in the form",
    _ACCEPTED,
    {
        **BOOK_ERRORS,
        **UPLOAD_ERRORS,
        **QUEUE_ERRORS,
        404: ("Book 8d0f2a36 not found", "File file_5d1f0c9e not found"),
        422: ("title is required", "Idempotency-Key was used with different fields"),
    },
    json=NewChapterFromFile,
    form=Form(NewChapter),
    parameters=("Idempotency-Key",),
)
def enqueue(book_id: str) -> tuple[Response, int]:
    key = _idempotency_key()
    is_form = request.mimetype == "multipart/form-data"
    if is_form and "file" in request.files:
        fields = form_body(NewChapter)
        return _accepted(
            services().jobs.upload_and_enqueue(
                user_id(), book_id, _chapter(fields), incoming_pdf(), key
            )
        )
    wanted = form_body(NewChapterFromFile) if is_form else json_body(NewChapterFromFile)
    return _accepted(
        services().jobs.enqueue(user_id(), book_id, _chapter(wanted), wanted.file_id, key)
    )


@blueprint.post("/jobs/<job_id>/retry")
@Operation(
    "Retry a failed job, as a new job with the same inputs",
    _ACCEPTED,
    {
        **JSON_ERRORS,
        **JOB_ERRORS,
        **QUEUE_ERRORS,
        409: "Only a failed job can be retried; this one is processing",
        422: "on_bad_page must be 'fail' or 'placeholder'",
        507: QUOTA_REACHED,
    },
    json=RetryOptions,
)
def retry(job_id: str) -> tuple[Response, int]:
    options = optional_json_body(RetryOptions)
    return _accepted(services().jobs.retry(job_id, user_id(), options.on_bad_page))


@blueprint.post("/jobs/<job_id>/cancel")
@Operation(
    "Cancel a job that has not ended",
    Success(
        200,
        "The job, now failed with error `Cancelled by user`",
        JobBody,
        {"cancelled": CANCELLED_JOB_EXAMPLE},
    ),
    {
        **JOB_ERRORS,
        409: "Job has already completed",
        503: "The job is being cancelled, which takes longer than usual",
    },
)
def cancel(job_id: str) -> Response:
    return _job_response(services().jobs.cancel(job_id, user_id()))


@blueprint.get("/jobs/<job_id>")
@Operation(
    "Get the status of a job: the endpoint to poll",
    Success(200, "The job", JobBody, JOB_EXAMPLES, headers=("Retry-After", "X-Queue-Position")),
    {**JOB_ERRORS, 500: "Failed to get job status: the database cannot be reached"},
)
def status(job_id: str) -> Response:
    try:
        job = services().jobs.get(job_id, user_id())
    except DatabaseError as error:
        raise StatusUnavailable(error.message) from error
    log_as_poll(job)
    return _job_response(job)


@blueprint.get("/jobs/<job_id>/pages")
@Operation(
    "List the pages rendered so far, which can be read while the job still runs",
    Success(200, "The pages", JobPagesBody),
    JOB_ERRORS,
)
def pages(job_id: str) -> Response:
    job = services().jobs.get(job_id, user_id())
    done = page_bodies(services().jobs.pages(job), job.book_id, job.chapter_id, services().signer)
    return jsonify(JobPagesBody(total_pages=job.total_pages, pages=done))


@blueprint.get("/jobs")
@Operation(
    "List the caller's jobs, newest first",
    Success(200, "A slice of the list", JobListBody),
    {422: "limit must be at most 100"},
    query=JobFilter,
)
def list_jobs() -> Response:
    wanted = query(JobFilter)
    before = _read_cursor(wanted.cursor) if wanted.cursor else None
    jobs = services().jobs.of_user(
        user_id(), wanted.limit + 1, status=wanted.status, book_id=wanted.book_id, before=before
    )
    shown = jobs[: wanted.limit]
    next_cursor = _cursor(shown[-1]) if len(jobs) > wanted.limit else None
    return jsonify(JobListBody(jobs=[job_body(job) for job in shown], next_cursor=next_cursor))


@blueprint.post("/<book_id>/chapters/from-outline")
@Operation(
    "Enqueue a job for each of several parts of an uploaded PDF: all of them, or none",
    Success(
        202,
        "The jobs are recorded, in the order of the parts",
        JobsBody,
        headers=("Retry-After", "Idempotency-Replayed"),
    ),
    {
        **JSON_ERRORS,
        **BOOK_ERRORS,
        **QUEUE_ERRORS,
        404: ("Book 8d0f2a36 not found", "File file_5d1f0c9e not found"),
        422: (
            "parts must have 1 to 200 entries",
            "parts[2].last_page must not be after the end of the PDF, which has 352 pages",
            "Idempotency-Key was used with different fields",
        ),
        507: QUOTA_REACHED,
    },
    json=NewChaptersFromOutline,
    parameters=("Idempotency-Key",),
)
def enqueue_parts(book_id: str) -> tuple[Response, int]:
    key = _idempotency_key()
    wanted = json_body(NewChaptersFromOutline)
    of_all = wanted.model_dump(include={"is_published", "is_preview_free", "on_bad_page"})
    parts = [
        ChapterRequest(slug=slugify(part.title), **part.model_dump(), **of_all)
        for part in wanted.parts
    ]
    enqueued = services().jobs.enqueue_parts(user_id(), book_id, parts, wanted.file_id, key)
    response = jsonify(JobsBody(jobs=[job_body(job) for job in enqueued.jobs]))
    response.headers["Retry-After"] = str(_POLL_INTERVAL_S)
    if enqueued.is_replay:
        response.headers["Idempotency-Replayed"] = "true"
    return response, 202


def _chapter(fields: NewChapter) -> ChapterRequest:
    values = fields.model_dump(exclude={"file_id"})
    return ChapterRequest(**{**values, "slug": fields.slug or slugify(fields.title)})


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid("Idempotency-Key must be 1 to 255 printable ASCII characters")
    return key


def _accepted(enqueued: Enqueued) -> tuple[Response, int]:
    [job] = enqueued.jobs
    logs.concern_job(job.job_id)
    response = _job_response(job)
    response.headers["Location"] = f"/api/v1/books/jobs/{job.job_id}"
    if enqueued.is_replay:
        response.headers["Idempotency-Replayed"] = "true"
    return response, 202


def _job_response(job: Job) -> Response:
    response = jsonify(job_body(job))
    response.headers.update(job_headers(job, services().jobs))
    return response


def job_headers(job: Job, jobs: JobService) -> dict[str, str]:
    """When to poll next, and the job's place in the queue."""
    if job.status.has_ended:
        return {}
    position = jobs.position(job)
    pause_s = min(_LONGEST_POLL_INTERVAL_S, max(_POLL_INTERVAL_S, (position or 0) // _PLACES_PER_S))
    headers = {"Retry-After": str(pause_s)}
    if position is not None:
        headers["X-Queue-Position"] = str(position)
    return headers


def _cursor(job: Job) -> str:
    """Where a slice of the list ends: time and id of its last job."""
    end = f"{isoformat(job.created_at)} {job.job_id}"
    return base64.urlsafe_b64encode(end.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    """Time and id of the job that the next slice comes after; raises Invalid."""
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"==").decode()
        moment, _, job_id = text.partition(" ")
        return datetime.fromisoformat(moment).astimezone(UTC), job_id
    except (ValueError, OverflowError, binascii.Error) as error:
        raise Invalid("cursor must be a next_cursor of this list") from error
