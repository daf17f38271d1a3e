"""Jobs in the collection `pdf_chapter_jobs`. Every change is one conditional update, so a late
writer changes nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pymongo import DESCENDING

from wordai_jobs.database.client import Database, Document, without_nones
from wordai_jobs.model.job import ACTIVE, ChapterRequest, Job, JobStatus


class JobRepository:
    """Reads and writes jobs; every method raises DatabaseError where the database does not do
    it.
    """

    def __init__(self, database: Database) -> None:
        self._jobs = database.jobs
        self._is_shared = database.is_shared
        self._errors_in_words = database.errors_in_words

    def insert(self, job: Job) -> None:
        with self._errors_in_words():
            self._jobs.insert_one(to_document(job))

    def find(self, job_id: str) -> Job | None:
        with self._errors_in_words():
            document = self._jobs.find_one({"job_id": job_id})
        return from_document(document) if document else None

    def find_by_chapter(self, chapter_id: str, user_id: str) -> Job | None:
        """The job of this user that makes, or made, the chapter."""
        with self._errors_in_words():
            document = self._jobs.find_one({"user_id": user_id, "chapter_id": chapter_id})
        return from_document(document) if document else None

    def update(self, job: Job) -> bool:
        """Record the job's new state; False where it has ended or belongs to another server by
        now.
        """
        condition = {
            "job_id": job.job_id,
            "instance_id": job.instance_id,
            "status": {"$in": _STATUSES_BEFORE[job.status]},
        }
        with self._errors_in_words():
            return self._jobs.update_one(condition, {"$set": _state(job)}).matched_count == 1

    def adopt(self, job: Job, instance_id: str) -> Job | None:
        """Make an unfinished job this server's own, so that its former one can no longer write to
        it.

        Returns the job as it then is; None where it has ended or changed hands meanwhile.
        """
        condition = {
            "job_id": job.job_id,
            "instance_id": job.instance_id,
            "status": {"$in": list(ACTIVE)},
        }
        with self._errors_in_words():
            if (
                self._jobs.update_one(
                    condition, {"$set": {"instance_id": instance_id}}
                ).matched_count
                == 0
            ):
                return None
        return self.find(job.job_id)

    def active(self) -> list[Job]:
        """Every job that has not ended, of whichever server."""
        with self._errors_in_words():
            return [
                from_document(document)
                for document in self._jobs.find({"status": {"$in": list(ACTIVE)}})
            ]

    def owned(self, job_ids: list[str], instance_id: str) -> set[str]:
        """Those of the given jobs that have not ended and still belong to the server."""
        condition = {
            "job_id": {"$in": job_ids},
            "instance_id": instance_id,
            "status": {"$in": list(ACTIVE)},
        }
        with self._errors_in_words():
            return {
                document["job_id"]
                for document in self._jobs.find(condition, {"_id": False, "job_id": True})
            }

    def count_active_elsewhere(self, user_id: str, instance_id: str) -> int:
        """How many unfinished jobs of the user other servers have."""
        if not self._is_shared:
            return 0
        condition = {
            "user_id": user_id,
            "status": {"$in": list(ACTIVE)},
            "instance_id": {"$ne": instance_id},
        }
        with self._errors_in_words():
            return self._jobs.count_documents(condition)

    def request_cancellation(self, job_id: str) -> None:
        """Ask the server that has the job to end it; only that one may."""
        with self._errors_in_words():
            self._jobs.update_one(
                {"job_id": job_id, "status": {"$in": list(ACTIVE)}},
                {"$set": {"cancel_requested": True}},
            )

    def with_cancellation_requested(self, job_ids: list[str]) -> list[str]:
        """Those of the given jobs that another server was asked to cancel."""
        with self._errors_in_words():
            found = self._jobs.find(
                {"job_id": {"$in": job_ids}, "cancel_requested": True},
                {"_id": False, "job_id": True},
            )
            return [document["job_id"] for document in found]

    def page(
        self,
        user_id: str,
        limit: int,
        *,
        status: JobStatus | None,
        book_id: str | None,
        before: tuple[datetime, str] | None,
    ) -> list[Job]:
        """Up to `limit` jobs of a user, newest first, that come after the job with `before`'s time
        and id.
        """
        condition: Document = without_nones(
            {"user_id": user_id, "status": status, "book_id": book_id}
        )
        if before:
            moment, job_id = before
            condition["$or"] = [
                {"created_at": {"$lt": moment}},
                {"created_at": moment, "job_id": {"$lt": job_id}},
            ]
        with self._errors_in_words():
            cursor = (
                self._jobs.find(condition)
                .sort([("created_at", DESCENDING), ("job_id", DESCENDING)])
                .limit(limit)
            )
            return [from_document(document) for document in cursor]


# Which statuses a job may have had, for a state with this status to be written over it.
_STATUSES_BEFORE: Mapping[JobStatus, list[JobStatus]] = {
    JobStatus.PENDING: [JobStatus.PENDING],
    JobStatus.PROCESSING: [JobStatus.PENDING, JobStatus.PROCESSING],
    JobStatus.COMPLETED: [JobStatus.PROCESSING],
    JobStatus.FAILED: [JobStatus.PENDING, JobStatus.PROCESSING],
}


def _state(job: Job) -> Document:
    """The fields of a job that change."""
    state: Document = {
        "status": job.status.value,
        "progress": job.progress,
        "message": job.message,
        "updated_at": job.updated_at,
    }
    if job.status is JobStatus.COMPLETED:
        state["result"] = {"chapter_id": job.chapter_id, "total_pages": job.total_pages}
        state["completed_at"] = job.ended_at
    if job.status is JobStatus.FAILED:
        state["error"] = job.error
        state["failed_at"] = job.ended_at
    return state


def to_document(job: Job) -> Document:
    return {
        "job_id": job.job_id,
        "user_id": job.user_id,
        "book_id": job.book_id,
        "file_id": job.file_id,
        **_state(job),
        "created_at": job.created_at,
        "filename": job.filename,
        "total_pages": job.total_pages,
        "chapter_id": job.chapter_id,
        "instance_id": job.instance_id,
        "request": asdict(job.request),
    }


def from_document(document: Mapping[str, Any]) -> Job:
    return Job(
        job_id=document["job_id"],
        user_id=document["user_id"],
        book_id=document["book_id"],
        file_id=document["file_id"],
        filename=document["filename"],
        total_pages=document["total_pages"],
        chapter_id=document["chapter_id"],
        instance_id=document["instance_id"],
        request=ChapterRequest(**document["request"]),
        created_at=document["created_at"],
        updated_at=document["updated_at"],
        status=JobStatus(document["status"]),
        progress=document["progress"],
        message=document["message"],
        error=document.get("error"),
        ended_at=document.get("completed_at") or document.get("failed_at"),
    )
