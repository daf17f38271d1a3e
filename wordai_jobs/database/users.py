"""What is recorded of each user, in all collections."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pymongo
from pymongo.database import Database as MongoDatabase

from wordai_jobs.database.jobs import UNFINISHED
from wordai_jobs.database.repository import Document, TranslatedErrors
from wordai_jobs.model.job import ACTIVE

# For commands of operators, which may wait for a large database.
_TIMEOUT_S = 600
_COLLECTIONS = {
    "books": "books",
    "chapters": "book_chapters",
    "uploads": "user_files",
    "positions": "reading_positions",
    "jobs": "pdf_chapter_jobs",
}


@dataclass(slots=True)
class Usage:
    """How much of a user is stored; sizes in bytes."""

    user_id: str
    books: int = 0
    chapters: int = 0
    pages: int = 0
    uploads: int = 0
    positions: int = 0
    jobs: int = 0
    unfinished_jobs: int = 0
    upload_bytes: int = 0
    page_bytes: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.books or self.chapters or self.uploads or self.positions or self.jobs)

    @property
    def stored_bytes(self) -> int:
        return self.upload_bytes + self.page_bytes


class UserRecords:
    """Counts and removes what is recorded of users. Raises DatabaseError."""

    def __init__(
        self, database: MongoDatabase[Document], translated_errors: TranslatedErrors
    ) -> None:
        self._database = database
        self._translated_errors = translated_errors

    def usage(self, user_id: str) -> Usage:
        return self._usage({"user_id": user_id}).get(user_id, Usage(user_id))

    def all(self) -> list[Usage]:
        """All users of whom anything is recorded, by their id."""
        found = self._usage({"user_id": {"$gt": ""}})
        return [found[user_id] for user_id in sorted(found)]

    def chapter_ids(self, user_id: str) -> set[str]:
        return self._values("book_chapters", "chapter_id", user_id)

    def file_ids(self, user_id: str) -> set[str]:
        return self._values("user_files", "file_id", user_id)

    def remove_positions(self, user_id: str) -> None:
        self._remove("reading_positions", {"user_id": user_id})

    def remove_ended_jobs(self, user_id: str) -> None:
        self._remove("pdf_chapter_jobs", {"user_id": user_id, "status": {"$nin": list(ACTIVE)}})

    def _usage(self, condition: Document) -> dict[str, Usage]:
        found: dict[str, Usage] = {}
        for name, collection in _COLLECTIONS.items():
            for group in self._groups(collection, condition):
                usage = found.setdefault(group["_id"], Usage(group["_id"]))
                setattr(usage, name, group["count"])
                if name == "chapters":
                    usage.pages, usage.page_bytes = group["pages"], group["size"]
                if name == "uploads":
                    usage.upload_bytes = group["size"]
        for group in self._groups("pdf_chapter_jobs", {**condition, **UNFINISHED}):
            # A user's first job may have been enqueued since.
            usage = found.setdefault(group["_id"], Usage(group["_id"]))
            usage.unfinished_jobs = group["count"]
        return found

    def _groups(self, collection: str, condition: Document) -> Iterator[Mapping[str, Any]]:
        steps: list[Document] = [
            {"$match": condition},
            {
                "$group": {
                    "_id": "$user_id",
                    "count": {"$sum": 1},
                    "size": {"$sum": "$size"},
                    "pages": {"$sum": "$total_pages"},
                }
            },
        ]
        with self._translated_errors(), pymongo.timeout(_TIMEOUT_S):
            yield from self._database[collection].aggregate(steps)

    def _values(self, collection: str, field: str, user_id: str) -> set[str]:
        with self._translated_errors(), pymongo.timeout(_TIMEOUT_S):
            found = self._database[collection].find({"user_id": user_id}, {field: True})
            return {document[field] for document in found if field in document}

    def _remove(self, collection: str, condition: Document) -> None:
        with self._translated_errors(), pymongo.timeout(_TIMEOUT_S):
            self._database[collection].delete_many(condition)
