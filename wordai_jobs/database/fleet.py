"""Jobs that many machines work on, in the collection `pdf_chapter_jobs`.

What the fleet records is in the field `fleet` of the job's document, and goes when the job ends:

    fleet: {deadline, touched_at, waits, step, published, stretches_done, pages_done,
            pages: {"<first page>": [[width, height, problem?], …]}}

Any message may be lost, late or doubled, so each write is one conditional update that changes
nothing if it comes too late or again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any

import pymongo
from pydantic import Strict, TypeAdapter
from pymongo import ASCENDING, ReturnDocument

from wordai_jobs.database.jobs import UNFINISHED, JobRepository, state_of, to_document
from wordai_jobs.database.repository import CHORE_TIMEOUT_S, Document
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.job import Job, JobError, JobStatus, Place
from wordai_jobs.model.work import Work, ends_stretch

_NOT_FAILING = {"failure": {"$exists": False}}
_HAS_TURN = {"fleet.waits": False}
_WITHOUT_PAGES = {"fleet.pages": False, "rest": False}
_IN_BRIEF = {
    "job_id": True,
    "user_id": True,
    "failure": True,
    "fleet.waits": True,
    "fleet.touched_at": True,
    "fleet.deadline": True,
}
# A number or a text is no moment.
_Moment = Annotated[datetime, Strict()]


@dataclass(frozen=True, slots=True)
class FleetJob:
    """A job, and the work on it; None if it has ended, or another engine has recorded it."""

    job: Job
    work: Work | None


@dataclass(frozen=True, slots=True)
class UnfinishedJob:
    """An unfinished job in brief. The times are None if another engine has recorded it."""

    job_id: str
    is_failing: bool
    user_id: str = ""
    waits: bool = False
    touched_at: _Moment | None = None
    deadline: _Moment | None = None

    @property
    def runs(self) -> bool:
        """Whether it is one of the jobs that a user may have at work at the same time."""
        return self.deadline is not None and not self.waits and not self.is_failing

    def is_untouched(self, since: datetime) -> bool:
        """Whether nobody has worked on it since this moment."""
        return self.touched_at is not None and self.touched_at < since

    def is_overdue(self, now: datetime) -> bool:
        return self.deadline is not None and self.deadline <= now


@dataclass(frozen=True, slots=True)
class TurnOfJob:
    """Whether a job has its turn, or waits for it."""

    job_id: str
    total_pages: int
    waits: bool


_FIELDS = TypeAdapter(Document)
_UNFINISHED_JOB = TypeAdapter(UnfinishedJob)
_TURN_OF_JOB = TypeAdapter(TurnOfJob)


class FleetRepository(JobRepository):
    """Reads and writes jobs and the work on them."""

    def insert_with_work(self, *jobs: tuple[Job, Work]) -> bool:
        """As `insert`."""
        return self._insert(
            [{**to_document(job), "fleet": _work_document(work)} for job, work in jobs]
        )

    def adopt(self, job: Job, work: Work) -> None:
        """Begin to work on a job that another engine has recorded."""
        condition = {"job_id": job.job_id, **UNFINISHED, "fleet": {"$exists": False}}
        with self._translated_errors():
            self._collection.update_one(condition, {"$set": {"fleet": _work_document(work)}})

    def find_with_pages(self, job_id: str) -> FleetJob | None:
        with self._translated_errors():
            document = self._collection.find_one({"job_id": job_id})
        return self._fleet_job(document)

    def find_wanted(self, job_id: str, first: int, now: datetime) -> FleetJob | None:
        """A job of which the pages from `first` on are to be rendered. The work has no pages.

        None if they are recorded, or the job has ended, is failing, or is out of time.
        """
        condition = _wanted(job_id, now) | {f"fleet.pages.{first}": {"$exists": False}}
        with self._translated_errors():
            document = self._collection.find_one(condition, _WITHOUT_PAGES)
        return self._fleet_job(document)

    def advance(self, job: Job, step: float, now: datetime) -> bool:
        """Record progress, and that somebody works on the job. False if it has ended, is failing,
        or has come further already.

        Steps only grow, whatever the clocks of the machines say.
        """
        condition = {
            "job_id": job.job_id,
            **UNFINISHED,
            **_NOT_FAILING,
            "fleet.step": {"$lt": step},
        }
        change = _progress(job, step, now)
        with self._translated_errors():
            return self._collection.update_one(condition, change).matched_count == 1

    def touch(self, job_id: str, now: datetime) -> bool:
        """Record that somebody works on the job. False if nobody should."""
        condition = _wanted(job_id, now)
        change = {"$max": {"fleet.touched_at": now}}
        with self._translated_errors():
            return self._collection.update_one(condition, change).matched_count == 1

    def store(self, job: Job, pages: Sequence[Page], publish: int, now: datetime) -> Work | None:
        """Record that pages are stored, and how many further stretches are about to be published.

        Returns the work as it is then; None if the pages were recorded before, or the job is not to
        be worked on.
        """
        condition, change = _storing(job, pages)
        change["$inc"]["fleet.published"] = publish
        change["$max"] = {"fleet.touched_at": now}
        with self._translated_errors():
            document = self._collection.find_one_and_update(
                condition, change, _WITHOUT_PAGES, return_document=ReturnDocument.AFTER
            )
        return _work(document, job.total_pages) if document else None

    def store_with_progress(
        self, job: Job, step: float, pages: Sequence[Page], now: datetime
    ) -> bool:
        """As `store` and `advance`, in one write: for a job of one stretch, whose progress follows
        from its last page. False if the pages were recorded before, or the job is not to be worked
        on.
        """
        condition, change = _storing(job, pages)
        progress = _progress(job, step, now)
        change = {**progress, **change, "$set": progress["$set"] | change["$set"]}
        with self._translated_errors():
            return self._collection.update_one(condition, change).matched_count == 1

    def begin_failure(self, job_id: str, error: JobError) -> Job | None:
        """Settle that the job fails with this error. None if it has ended, or is failing already.

        From then on, no progress is recorded.
        """
        condition = {"job_id": job_id, **UNFINISHED, **_NOT_FAILING}
        with self._translated_errors():
            document = self._collection.find_one_and_update(
                condition,
                {"$set": {"failure": asdict(error)}},
                _WITHOUT_PAGES,
                return_document=ReturnDocument.AFTER,
            )
        return self._from_document(document) if document else None

    def end(self, job: Job, look_again_at: datetime | None = None) -> bool:
        """Record the last state. False if the job has ended otherwise, or fails and can no longer
        complete.

        `look_again_at`: when to remove again what a machine may have stored for a failed job just
        before it died.
        """
        condition: Document = {"job_id": job.job_id, **UNFINISHED}
        if job.status is JobStatus.COMPLETED:
            condition |= _NOT_FAILING
        change: Document = {"$set": state_of(job), "$unset": {"fleet": ""}}
        if look_again_at:
            change["$set"]["look_again_at"] = look_again_at
        with self._translated_errors():
            if self._collection.update_one(condition, change).matched_count == 1:
                return True
        # If only the response to an earlier try was lost, the record already has this state.
        recorded = self.find(job.job_id)
        return (
            recorded is not None
            and recorded.status is job.status
            and recorded.ended_at == job.ended_at
        )

    def waiting_ids(self, limit: int) -> list[str]:
        """The ids of jobs that nobody has begun, the oldest first."""
        fields = {"_id": False, "job_id": True}
        with self._translated_errors():
            found = self._collection.find({"status": JobStatus.PENDING.value}, fields)
            return [document["job_id"] for document in found.sort("created_at").limit(limit)]

    def count(self, status: JobStatus) -> int:
        with self._translated_errors():
            return self._collection.count_documents({"status": status.value})

    def places_of_unfinished(self, user_id: str) -> list[Place]:
        """Where the chapters of a user's unfinished jobs belong: one place for each job."""
        fields = {"_id": False, "book_id": True, "request.order_index": True}
        with self._translated_errors():
            found = list(self._collection.find({"user_id": user_id, **UNFINISHED}, fields))
        return [
            Place(document["book_id"], (document.get("request") or {}).get("order_index") or 0)
            for document in found
        ]

    def unfinished_in_brief(self) -> list[UnfinishedJob]:
        """All unfinished jobs, for chores. One that cannot be read is logged and skipped."""

        def read(document: Document) -> UnfinishedJob:
            is_failing = "failure" in document
            return _UNFINISHED_JOB.validate_python(_flat(document) | {"is_failing": is_failing})

        with self._translated_errors(), pymongo.timeout(CHORE_TIMEOUT_S):
            return list(self._read_each(self._collection.find(UNFINISHED, _IN_BRIEF), read))

    def untouched_ids(self, before: datetime, limit: int) -> list[str]:
        """Jobs on which nobody has worked since this moment, although it is their turn."""
        untouched = {**_HAS_TURN, "fleet.touched_at": {"$lt": before}}
        condition = {**UNFINISHED, **_NOT_FAILING, **untouched}
        with self._translated_errors():
            found = self._collection.find(condition, {"_id": False, "job_id": True})
            return [document["job_id"] for document in found.limit(limit)]

    def turns_of_user(self, user_id: str, limit: int) -> list[TurnOfJob]:
        """Up to `limit` jobs of a user: those that have their turn, then those that wait for it,
        the oldest first. A job that is failing does neither.
        """
        condition = {
            "user_id": user_id,
            **UNFINISHED,
            **_NOT_FAILING,
            "fleet.waits": {"$exists": True},
        }
        fields = {"job_id": True, "total_pages": True, "fleet.waits": True}
        order = [("fleet.waits", ASCENDING), ("created_at", ASCENDING)]
        with self._translated_errors():
            found = self._collection.find(condition, fields).sort(order).limit(limit)
            return list(
                self._read_each(found, lambda each: _TURN_OF_JOB.validate_python(_flat(each)))
            )

    def take_turn(self, job_id: str, publish: int, now: datetime) -> bool:
        """Start the turn of a job that waits; the caller publishes `publish` of its tasks. False if
        it does not wait (any more).
        """
        condition = {"job_id": job_id, **UNFINISHED, **_NOT_FAILING, "fleet.waits": True}
        change = {
            "$set": {"fleet.waits": False, "fleet.touched_at": now, "fleet.published": publish}
        }
        with self._translated_errors():
            return self._collection.update_one(condition, change).matched_count == 1

    def claim(self, job_id: str, before: datetime, now: datetime, publish: int) -> bool:
        """Decide who publishes what is missing of an untouched job: for one caller this is True."""
        condition = {"job_id": job_id, **UNFINISHED, "fleet.touched_at": {"$lt": before}}
        change = {"$set": {"fleet.touched_at": now}, "$inc": {"fleet.published": publish}}
        with self._translated_errors():
            return self._collection.update_one(condition, change).matched_count == 1

    def to_look_at_again(self, now: datetime, limit: int) -> list[Job]:
        """Failed jobs of which something may have been stored late."""
        return self._some({"look_again_at": {"$lte": now}}, limit)

    def looked_at_again(self, job_id: str) -> None:
        with self._translated_errors():
            self._collection.update_one({"job_id": job_id}, {"$unset": {"look_again_at": ""}})

    def _some(self, condition: Document, limit: int) -> list[Job]:
        with self._translated_errors():
            found = self._collection.find(condition, _WITHOUT_PAGES).limit(limit)
            return list(self._readable(found))

    def _fleet_job(self, document: Document | None) -> FleetJob | None:
        found = next(self._readable([document]), None) if document else None
        return FleetJob(found, _work(document, found.total_pages)) if document and found else None


def _flat(document: Document) -> Document:
    """The document and its field `fleet` in one. Raises ValidationError if that is no document."""
    return document | _FIELDS.validate_python(document.get("fleet") or {})


def _wanted(job_id: str, now: datetime) -> Document:
    """The condition that somebody should work on the job."""
    return {"job_id": job_id, **UNFINISHED, **_NOT_FAILING, "fleet.deadline": {"$gt": now}}


def _progress(job: Job, step: float, now: datetime) -> Document:
    """The change that records a state of a job."""
    fields = state_of(job)
    updated_at = fields.pop("updated_at")
    return {
        "$set": {**fields, "fleet.step": step},
        "$max": {"updated_at": updated_at, "fleet.touched_at": now},
    }


def _storing(job: Job, pages: Sequence[Page]) -> tuple[Document, Document]:
    """The change that records stored pages, and its condition."""
    key = f"fleet.pages.{pages[0].number}"
    condition = {
        "job_id": job.job_id,
        **UNFINISHED,
        **_NOT_FAILING,
        "fleet": {"$exists": True},
        key: {"$exists": False},
    }
    is_end = ends_stretch(pages[-1].number, job.total_pages)
    change = {
        "$set": {key: [_page_document(page) for page in pages]},
        "$inc": {"fleet.pages_done": len(pages), "fleet.stretches_done": int(is_end)},
    }
    return condition, change


def _work_document(work: Work) -> Document:
    return {
        "deadline": work.deadline,
        "touched_at": work.touched_at,
        "waits": work.waits,
        "step": 0,
        "published": work.published,
        "stretches_done": 0,
        "pages_done": 0,
        "pages": {},
    }


def _page_document(page: Page) -> list[Any]:
    return [page.width, page.height, *([page.problem] if page.problem else [])]


def _work(document: Mapping[str, Any], total_pages: int) -> Work | None:
    fleet = document.get("fleet")
    if not fleet:
        return None
    return Work(
        total_pages=total_pages,
        deadline=fleet["deadline"],
        touched_at=fleet["touched_at"],
        waits=fleet["waits"],
        published=fleet["published"],
        stretches_done=fleet["stretches_done"],
        pages_done=fleet["pages_done"],
        pages=dict(_stored_pages(fleet.get("pages") or {})),
    )


def _stored_pages(records: Mapping[str, Any]) -> Iterator[tuple[int, tuple[Page, ...]]]:
    for key, pages in records.items():
        first = int(key)
        yield first, tuple(Page(number, *page) for number, page in enumerate(pages, first))
