"""The indexes of all collections."""

from collections.abc import Mapping
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from wordai_jobs.database.repository import Document, TranslatedErrors

_SECONDS_A_DAY = 86_400
# IndexOptionsConflict and IndexKeySpecsConflict: which of the two an index with other options
# raises depends on the server's version.
_INDEX_CONFLICTS = (85, 86)
# By collection. Jobs have one more, which lets them expire.
_INDEXES: dict[str, list[IndexModel]] = {
    "pdf_chapter_jobs": [
        IndexModel("job_id", unique=True),
        IndexModel([("user_id", ASCENDING), ("status", ASCENDING)]),
        IndexModel("updated_at"),
        IndexModel(
            [("user_id", ASCENDING), ("idempotency_key", ASCENDING)],
            unique=True,
            partialFilterExpression={"idempotency_key": {"$exists": True}},
        ),
    ],
    "books": [
        IndexModel("book_id", unique=True),
        IndexModel([("user_id", ASCENDING), ("created_at", DESCENDING)]),
    ],
    "book_chapters": [
        IndexModel("chapter_id", unique=True),
        IndexModel([("book_id", ASCENDING), ("slug", ASCENDING)], unique=True),
        IndexModel("file_id"),
    ],
    "user_files": [IndexModel("file_id", unique=True), IndexModel("created_at")],
}


class Indexes:
    """Creates the indexes, and says which are missing."""

    def __init__(self, database: Database[Document], translated_errors: TranslatedErrors) -> None:
        self._database = database
        self._translated_errors = translated_errors

    def create(self, retention_days: int) -> None:
        """Create the indexes that are missing.

        How long jobs are kept is part of an index, so a changed setting changes that index in
        place.
        """
        with self._translated_errors():
            self._create_expiry(self._database["pdf_chapter_jobs"], retention_days * _SECONDS_A_DAY)
            for collection, indexes in _INDEXES.items():
                self._database[collection].create_indexes(indexes)

    def missing(self, retention_days: int) -> list[str]:
        """The indexes that `create` would create or change, as `collection.index`."""
        expiry = IndexModel("created_at", expireAfterSeconds=retention_days * _SECONDS_A_DAY)
        wanted = [("pdf_chapter_jobs", [expiry]), *_INDEXES.items()]
        with self._translated_errors():
            return [
                f"{name}.{index.document['name']}"
                for name, indexes in wanted
                for index in indexes
                if not _exists(index, self._database[name].index_information())
            ]

    def _create_expiry(self, collection: Collection[Document], seconds: int) -> None:
        try:
            collection.create_index("created_at", expireAfterSeconds=seconds)
        except OperationFailure as error:
            if error.code not in _INDEX_CONFLICTS:
                raise
            index = {"keyPattern": {"created_at": ASCENDING}, "expireAfterSeconds": seconds}
            self._database.command("collMod", collection.name, index=index)


def _exists(wanted: IndexModel, existing: Mapping[str, Any]) -> bool:
    found = existing.get(wanted.document["name"], {})
    return bool(found) and all(
        found.get(option) == wanted.document.get(option)
        for option in ("unique", "expireAfterSeconds")
    )
