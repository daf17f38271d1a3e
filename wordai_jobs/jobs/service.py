"""The service for jobs: what users may do with them. No HTTP."""

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from wordai_jobs.clock import utc_now
from wordai_jobs.database.client import Database
from wordai_jobs.errors import AccessDenied, Busy, Conflict, Invalid, NotFound
from wordai_jobs.jobs.ended_jobs import EndedJobs
from wordai_jobs.jobs.engine import Engine
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.jobs.order import Order
from wordai_jobs.library.library import Library
from wordai_jobs.library.uploads import IncomingPdf
from wordai_jobs.model.book import Book
from wordai_jobs.model.chapter import MAX_ORDER_INDEX, Page
from wordai_jobs.model.job import (
    CANCELLED,
    ChapterRequest,
    Job,
    JobStatus,
    OnBadPage,
    Place,
    counted_pages,
)
from wordai_jobs.model.upload import Upload

_RETRY_S = 5
_KEY_LOCKS = 64


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The jobs of a request, and whether an earlier one with the same idempotency key has created
    them.
    """

    jobs: Sequence[Job]
    is_replay: bool


@dataclass(frozen=True, slots=True)
class _Target:
    """The book of new chapters, and what is under way in other servers.

    That was read before the book: if such a job has ended in between, the book tells its place.
    """

    book: Book
    elsewhere: Sequence[Place]


class JobService:
    """Enqueues, cancels, retries and finds jobs.

    Every method that takes ids raises NotFound, AccessDenied if they belong to another user, and
    DatabaseError.
    """

    def __init__(
        self,
        database: Database,
        library: Library,
        engine: Engine,
        ended: EndedJobs,
        metrics: JobMetrics,
    ) -> None:
        self._database = database
        self._library = library
        self._engine = engine
        self._ended = ended
        self._metrics = metrics
        engine.on_forget.append(ended.remember)
        self._order = Order()
        self._key_locks = [threading.Lock() for _ in range(_KEY_LOCKS)]

    def enqueue(
        self,
        user_id: str,
        book_id: str,
        request: ChapterRequest,
        file_id: str,
        key: str | None = None,
    ) -> Enqueued:
        """Record a job that makes a chapter of an uploaded PDF, and put it into the queue.

        `key` is the Idempotency-Key: if the user has sent it before with the same PDF and fields,
        the job of that request is returned. Raises Busy, TooManyJobs, QuotaReached, and Invalid if
        the key was sent with something else; then no job is created.
        """
        target = self._target(user_id, book_id, request.parent_id)
        upload = self._library.uploads.get_lately(file_id, user_id)
        _check_pages(request, upload)
        return self._enqueue(upload, target, [request], key)

    def enqueue_parts(
        self,
        user_id: str,
        book_id: str,
        parts: Sequence[ChapterRequest],
        file_id: str,
        key: str | None = None,
    ) -> Enqueued:
        """As `enqueue`, for several chapters of one PDF: one job each, all of them or none."""
        target = self._target(user_id, book_id)
        upload = self._library.uploads.get_lately(file_id, user_id)
        for index, part in enumerate(parts):
            _check_pages(part, upload, of=f"parts[{index}].")
        return self._enqueue(upload, target, parts, key)

    def upload_and_enqueue(
        self,
        user_id: str,
        book_id: str,
        request: ChapterRequest,
        pdf: IncomingPdf,
        key: str | None = None,
    ) -> Enqueued:
        """Store a PDF and enqueue a job for it. If no job is created, the PDF is removed.

        Raises the errors of `enqueue` and of `UploadService.add`.
        """
        self._target(user_id, book_id, request.parent_id)
        upload = self._library.uploads.add(user_id, pdf)
        try:
            _check_pages(request, upload)
            target = self._target(user_id, book_id)  # it may have changed in this time
            enqueued = self._enqueue(upload, target, [request], key)
        except BaseException:
            self._library.uploads.remove(upload)
            raise
        if enqueued.is_replay:  # the earlier job already has this PDF
            self._library.uploads.remove(upload)
        return enqueued

    def retry(self, job_id: str, user_id: str, on_bad_page: OnBadPage | None = None) -> Enqueued:
        """A new job from a failed one's inputs; `on_bad_page` is the failed one's if it is None.

        Two retries of one job with one choice create only one new job. If the new job fails too,
        the next retry creates another. Raises the errors of `enqueue`, and Conflict if the job has
        not failed.
        """
        failed = self.get(job_id, user_id)
        if failed.status is not JobStatus.FAILED:
            raise Conflict(f"Only a failed job can be retried; this one is {failed.status}")
        target = self._target(user_id, failed.book_id)
        upload = self._library.uploads.get(failed.file_id, user_id)
        request = replace(failed.request, on_bad_page=on_bad_page or failed.request.on_bad_page)
        key = f"retry:{job_id}:{request.on_bad_page}"
        earlier = self._database.jobs.find_by_key(user_id, key)
        if earlier and earlier.status is JobStatus.FAILED:
            self._database.jobs.free_key(earlier)
        return self._take_in_once(upload, target, [request], key, job_id)

    def cancel(self, job_id: str, user_id: str) -> Job:
        """Cancel a job; returns it once nothing of it is left.

        Raises Conflict if it has already ended, and Busy if its end takes too long.
        """
        job = self.get(job_id, user_id)
        if job.status.has_ended:
            raise Conflict(f"Job has already {job.status}")
        self._engine.cancel(job_id, CANCELLED)
        job = self.get(job_id, user_id)
        if not job.status.has_ended:  # its end takes long, or is left to the sweep
            raise Busy("The job is being cancelled, which takes longer than usual", _RETRY_S)
        if job.error != CANCELLED.message:
            raise Conflict(f"Job had {job.status} before it could be cancelled")
        return job

    def get(self, job_id: str, user_id: str) -> Job:
        """The job's current state: from memory if it is there, else from the database."""
        job = self.in_memory(job_id)
        if job is None:
            job = self._database.jobs.find(job_id)
            if job is None:
                raise NotFound("job", job_id)
            self._ended.remember(job)
        if job.user_id != user_id:
            raise AccessDenied("job")
        return job

    def in_memory(self, job_id: str) -> Job | None:
        """The current state of anyone's job, if this server runs it, has run it to its end lately,
        or has read its end lately.
        """
        return self._engine.in_memory(job_id) or self._ended.find(job_id)

    def position(self, job: Job) -> int | None:
        """The job's place in the queue (1 is next); None if it does not wait."""
        return self._engine.position(job.job_id) if job.status is JobStatus.PENDING else None

    def pages(self, job: Job) -> list[Page]:
        """The pages that can be read so far, in their order in the PDF."""
        pages = self._engine.pages(job)
        if pages is not None:
            return sorted(pages, key=lambda page: page.number)
        if job.status is not JobStatus.COMPLETED:
            return []
        chapter = self._database.chapters.find_with_pages(job.chapter_id)
        return list(chapter.pages) if chapter else []

    def of_user(
        self,
        user_id: str,
        limit: int,
        *,
        status: JobStatus | None = None,
        book_id: str | None = None,
        before: tuple[datetime, str] | None = None,
    ) -> list[Job]:
        """Up to `limit` jobs of the user, newest first; `before` as in JobRepository.of_user."""
        return self._database.jobs.of_user(
            user_id, limit, status=status, book_id=book_id, before=before
        )

    def of_chapter(self, chapter_id: str, user_id: str) -> Job | None:
        """The job of this user that makes, or made, the chapter."""
        return self._database.jobs.find_by_chapter(chapter_id, user_id)

    def _target(self, user_id: str, book_id: str, parent_id: str | None = None) -> _Target:
        """The book of new chapters, in which the chapter above them exists too."""
        elsewhere = self._engine.unfinished_elsewhere(user_id)
        book = self._library.books.get(book_id, user_id)
        if parent_id is not None:
            self._library.books.chapter(book_id, parent_id, user_id)
        return _Target(book, elsewhere)

    def _enqueue(
        self, upload: Upload, target: _Target, requests: Sequence[ChapterRequest], key: str | None
    ) -> Enqueued:
        if key is None:
            jobs = self._new_jobs(upload, target, requests)
            self._take_in(jobs, target)
            return Enqueued(jobs, is_replay=False)
        fingerprint = _fingerprint(upload.sha256, target.book.book_id, requests)
        return self._take_in_once(upload, target, requests, f"client:{key}", fingerprint)

    def _new_jobs(
        self, upload: Upload, target: _Target, requests: Sequence[ChapterRequest]
    ) -> list[Job]:
        """Their `created_at` have their order, and those without an `order_index` come last in the
        book, in this order. Raises QuotaReached.
        """
        self._library.quota.check(upload.user_id)
        book, wanted = target.book, requests[0].order_index
        if book.next_order_index is None:
            book = self._with_order(book)
        first_index = self._order.first_index(book, len(requests), wanted, target.elsewhere)
        first_moment = utc_now() - timedelta(milliseconds=len(requests) - 1)
        jobs = []
        for number, request in enumerate(requests):
            if request.order_index is None:
                index = min(first_index + number, MAX_ORDER_INDEX)
                request = replace(request, order_index=index)
            now = first_moment + timedelta(milliseconds=number)
            jobs.append(Job.enqueued(upload, book.book_id, request, self._library.folder_id, now))
        if len(jobs) > 1:
            jobs = [replace(job, batch_id=jobs[0].job_id) for job in jobs]
        return jobs

    def _with_order(self, book: Book) -> Book:
        """A book that an older release has created, with the index of its next chapter.

        It is searched for its last index once: that takes the embedded database half a second if it
        has 150 chapters of 300 pages.
        """
        last = self._database.chapters.last_order_index(book.book_id)
        self._database.books.begin_order(book.book_id, last + 1)
        return replace(book, next_order_index=last + 1)

    def _take_in_once(
        self,
        upload: Upload,
        target: _Target,
        requests: Sequence[ChapterRequest],
        key: str,
        fingerprint: str,
    ) -> Enqueued:
        """Take new jobs in, unless the user already has some with this idempotency key.

        If several equal requests come at once, one insert under a unique index decides.
        """
        user_id = upload.user_id
        # Equal requests must not take each other's places in the queue.
        with self._key_locks[hash(key) % len(self._key_locks)]:
            earlier = self._database.jobs.find_by_key(user_id, key)
            if earlier is None:
                jobs = self._new_jobs(upload, target, requests)
                jobs[0] = replace(jobs[0], idempotency_key=key, fingerprint=fingerprint)
                if self._take_in(jobs, target):
                    return Enqueued(jobs, is_replay=False)
        earlier = earlier or self._database.jobs.find_by_key(user_id, key)
        if earlier is None:  # it failed, and another retry has just freed the key
            raise Busy("The same request is being handled right now, try again", _RETRY_S)
        if earlier.fingerprint != fingerprint:
            raise Invalid("Idempotency-Key was used with different fields")
        if not earlier.batch_id:
            return Enqueued([self.get(earlier.job_id, user_id)], is_replay=True)
        self._database.jobs.complete_batch(earlier.batch_id)
        batch = self._database.jobs.of_batch(user_id, earlier.batch_id)
        return Enqueued([self.in_memory(job.job_id) or job for job in batch], is_replay=True)

    def _take_in(self, jobs: Sequence[Job], target: _Target) -> bool:
        """False if the idempotency key of the jobs is taken."""
        is_taken_in = self._engine.take_in(jobs, target.elsewhere)
        if is_taken_in:
            self._metrics.accepted(len(jobs))
        return is_taken_in


def _check_pages(request: ChapterRequest, upload: Upload, of: str = "") -> None:
    """Raises Invalid if the PDF does not have the pages that are asked for.

    `of` comes before the names of fields.
    """
    first, last, count = request.first_page, request.last_page, upload.page_count
    for field, page in (("first_page", first), ("last_page", last or first)):
        if page > count:
            pages = counted_pages(count)
            raise Invalid(f"{of}{field} must not be after the end of the PDF, which has {pages}")
    if last and first > last:
        raise Invalid(f"{of}first_page must not be after {of}last_page")


def _fingerprint(sha256: str, book_id: str, requests: Sequence[ChapterRequest]) -> str:
    """The same for requests with the same fields and the same PDF, even if that was sent twice."""
    content = json.dumps([sha256, book_id, *map(_fields, requests)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _fields(request: ChapterRequest) -> dict[str, Any]:
    """As an older release had them, if they say nothing new: its keys are kept for days."""
    fields = asdict(request)
    fields["order_index"] = request.order_index or 0
    for field, default in (("first_page", 1), ("last_page", None)):
        if fields[field] == default:
            del fields[field]
    return fields
