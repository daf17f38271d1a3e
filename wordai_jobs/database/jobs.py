"""Jobs in the collection `pdf_chapter_jobs`.

Every change is one conditional update, so a write that comes late changes nothing.

The jobs of one request, a batch, are recorded by one write, which an end of the database may cut
off in the middle. So the first job's document has those of the others in its field `rest`, until
they are known to be recorded: once the first is there, all will be, and without it there is none.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import BulkWriteError, DuplicateKeyError

from wordai_jobs.database.repository import Document, Repository
from wordai_jobs.errors import DatabaseError
from wordai_jobs.model.job import ACTIVE, Job, JobStatus

UNFINISHED = {"status": {"$in": list(ACTIVE)}}
# What the engine `celery` records for itself can be large (see fleet.py).
_WITHOUT_FLEET = {"fleet": False, "rest": False}
_DUPLICATE_KEY = 11000


class JobRepository(Repository[Job]):
    """Reads and writes jobs."""

    adapter = TypeAdapter(Job)

    def insert(self, *jobs: Job) -> bool:
        """Record new jobs, all or none of them.

        Only the first may have an idempotency key. False if its user already has a job with that.
        """
        return self._insert([to_document(job) for job in jobs])

    def incomplete_batches(self, before: datetime) -> list[Job]:
        """The first jobs of batches that were created before this moment, and of which not all jobs
        are known to be recorded.
        """
        with self._translated_errors():
            found = self._collection.find({"rest_since": {"$lte": before}}, _WITHOUT_FLEET)
            return list(self._readable(found))

    def complete_batch(self, batch_id: str) -> None:
        """Record those jobs of a batch that are not. May be done by several at once."""
        condition = {"job_id": batch_id, "rest": {"$exists": True}}
        with self._translated_errors():
            first = self._collection.find_one(condition, {"rest": True})
        if first:
            self._insert_missing(first["rest"])
            self._forget_rest(batch_id)

    def of_batch(self, user_id: str, batch_id: str) -> list[Job]:
        """The jobs of one request, in its order."""
        with self._translated_errors():
            found = self._collection.find(
                {"user_id": user_id, "batch_id": batch_id}, _WITHOUT_FLEET
            )
            return list(self._readable(found.sort("created_at", ASCENDING)))

    def find(self, job_id: str) -> Job | None:
        return self._find_one({"job_id": job_id}, _WITHOUT_FLEET)

    def find_by_chapter(self, chapter_id: str, user_id: str) -> Job | None:
        """The job of this user that makes, or made, the chapter."""
        return self._find_one({"user_id": user_id, "chapter_id": chapter_id})

    def find_by_key(self, user_id: str, idempotency_key: str) -> Job | None:
        return self._find_one({"user_id": user_id, "idempotency_key": idempotency_key})

    def update(self, job: Job) -> bool:
        """Record the job's new state.

        False if the record is gone, the job has ended, it is failing and can no longer complete, or
        it already has a later state.
        """
        condition: Document = {
            "job_id": job.job_id,
            **UNFINISHED,
            "updated_at": {"$lt": job.updated_at},
        }
        if job.status is JobStatus.PENDING:
            condition["status"] = job.status.value
        if job.status is JobStatus.COMPLETED:
            condition["failure"] = {"$exists": False}
        with self._translated_errors():
            result = self._collection.update_one(condition, {"$set": state_of(job)})
        return result.matched_count == 1

    def unfinished(self) -> list[Job]:
        """Every job that has not ended."""
        with self._translated_errors():
            return list(self._readable(self._collection.find(UNFINISHED)))

    def unfinished_of_book(self, book_id: str) -> list[Job]:
        with self._translated_errors():
            found = self._collection.find({"book_id": book_id, **UNFINISHED}, _WITHOUT_FLEET)
            return list(self._readable(found))

    def unfinished_chapter_ids(self) -> set[str]:
        """The chapters of all unfinished jobs, including jobs whose records cannot be read."""
        return self._values("chapter_id", UNFINISHED)

    def unfinished_file_ids(self) -> set[str]:
        """The uploads of all unfinished jobs, including jobs whose records cannot be read."""
        return self._values("file_id", UNFINISHED)

    def move_unfinished(self, folder_id: str) -> None:
        """Make all unfinished jobs belong to this data folder."""
        with self._translated_errors():
            self._collection.update_many(UNFINISHED, {"$set": {"folder_id": folder_id}})

    def free_key(self, job: Job) -> None:
        """Take the idempotency key from a failed job, so that another job can have it."""
        condition = {"job_id": job.job_id, "status": JobStatus.FAILED.value}
        with self._translated_errors():
            self._collection.update_one(condition, {"$unset": {"idempotency_key": ""}})

    def of_user(
        self,
        user_id: str,
        limit: int,
        *,
        status: JobStatus | None,
        book_id: str | None,
        before: tuple[datetime, str] | None,
    ) -> list[Job]:
        """Up to `limit` jobs of a user, newest first.

        `before` is the creation time and id of a job; the list begins with the next older job.
        """
        condition: Document = {"user_id": user_id}
        if status:
            condition["status"] = status.value
        if book_id:
            condition["book_id"] = book_id
        parts: list[Document] = [{}]
        if before:
            moment, job_id = before
            parts = [
                {"created_at": moment, "job_id": {"$lt": job_id}},
                {"created_at": {"$lt": moment}},
            ]
        newest_first = [("created_at", DESCENDING), ("job_id", DESCENDING)]
        found: list[Document] = []
        with self._translated_errors():
            for part in parts:
                if len(found) < limit:
                    cursor = self._collection.find({**condition, **part}, _WITHOUT_FLEET)
                    found += cursor.sort(newest_first).limit(limit - len(found))
        return list(self._readable(found))

    def _insert(self, documents: list[Document]) -> bool:
        first, *rest = documents
        failed: list[Document] = []
        try:
            with self._translated_errors():
                if not rest:
                    self._collection.insert_one(first)
                    return True
                first |= {"rest": rest, "rest_since": first["created_at"]}
                try:
                    self._collection.insert_many(documents)
                except BulkWriteError as error:
                    failed = error.details["writeErrors"]
                    if not failed or failed[0]["code"] != _DUPLICATE_KEY:
                        raise
                    if failed[0]["index"] == 0:
                        return False
        except DuplicateKeyError:
            return False
        if failed:  # a request with the same key, or a chore, has begun to record the rest
            self._insert_missing(rest)
        with suppress(DatabaseError):  # it is forgotten later
            self._forget_rest(first["job_id"])
        return True

    def _insert_missing(self, documents: list[Document]) -> None:
        with self._translated_errors():
            try:
                self._collection.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                if any(each["code"] != _DUPLICATE_KEY for each in error.details["writeErrors"]):
                    raise

    def _forget_rest(self, batch_id: str) -> None:
        change = {"$unset": {"rest": "", "rest_since": ""}}
        with self._translated_errors():
            self._collection.update_one({"job_id": batch_id}, change)

    def _from_document(self, document: Mapping[str, Any]) -> Job:
        """Records of other programs may have only the fields that the contract names."""
        result = document.get("result") or {}
        from_result = {
            name: result[name] for name in ("chapter_id", "total_pages") if name in result
        }
        ended_at = document.get("completed_at") or document.get("failed_at")
        return super()._from_document({**from_result, **document, "ended_at": ended_at})


def to_document(job: Job) -> Document:
    document = {
        "job_id": job.job_id,
        "user_id": job.user_id,
        "book_id": job.book_id,
        "file_id": job.file_id,
        **state_of(job),
        "created_at": job.created_at,
        "filename": job.filename,
        "total_pages": job.total_pages,
        "chapter_id": job.chapter_id,
        "folder_id": job.folder_id,
        "request": asdict(job.request),
    }
    if job.batch_id:
        document["batch_id"] = job.batch_id
    if job.idempotency_key:
        document["idempotency_key"] = job.idempotency_key
        document["fingerprint"] = job.fingerprint
    return document


def state_of(job: Job) -> Document:
    """The fields of a job that change."""
    state: Document = {
        "status": job.status.value,
        "progress": job.progress,
        "message": job.message,
        "updated_at": job.updated_at,
    }
    if job.failure:
        state["failure"] = asdict(job.failure)
    if job.status is JobStatus.COMPLETED:
        state["result"] = {"chapter_id": job.chapter_id, "total_pages": job.total_pages}
        state["completed_at"] = job.ended_at
    if job.status is JobStatus.FAILED:
        state["error"] = job.error
        state["failed_at"] = job.ended_at
    return state
