"""The indexes of all collections."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pymongo
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from wordai_jobs.database.repository import Document, TranslatedErrors
from wordai_jobs.errors import StartError

_SECONDS_A_DAY = 86_400
# An index on a collection of millions of documents takes minutes.
_CREATE_TIMEOUT_S = 600
# The options that change the effect of an index.
_OPTIONS = ("unique", "sparse", "expireAfterSeconds", "partialFilterExpression")
# By collection. Jobs have one more index, which makes them expire.
_INDEXES: dict[str, list[IndexModel]] = {
    "pdf_chapter_jobs": [
        IndexModel("job_id", unique=True),
        IndexModel([("user_id", ASCENDING), ("status", ASCENDING)]),
        IndexModel("status"),
        IndexModel("updated_at"),
        IndexModel(
            [("user_id", ASCENDING), ("idempotency_key", ASCENDING)],
            unique=True,
            partialFilterExpression={"idempotency_key": {"$exists": True}},
        ),
        # Their direction tells them from those of older releases.
        IndexModel([("look_again_at", DESCENDING)], sparse=True),
        IndexModel([("rest_since", DESCENDING)], sparse=True),
    ],
    "books": [
        IndexModel("book_id", unique=True),
        IndexModel([("user_id", ASCENDING), ("created_at", DESCENDING)]),
        IndexModel("deleted_at"),
    ],
    "book_chapters": [
        IndexModel("chapter_id", unique=True),
        IndexModel([("book_id", ASCENDING), ("slug", ASCENDING)], unique=True),
        IndexModel("file_id"),
        IndexModel("user_id"),
    ],
    "reading_positions": [
        IndexModel([("chapter_id", ASCENDING), ("user_id", ASCENDING)], unique=True),
        IndexModel([("user_id", ASCENDING), ("updated_at", DESCENDING)]),
        IndexModel("book_id"),
    ],
    "user_files": [
        IndexModel("file_id", unique=True),
        IndexModel("user_id"),
        IndexModel("expires_at"),
    ],
}
# Older releases had these. They were partial, and the embedded database did not use them.
_FORMER = {"pdf_chapter_jobs": {(("look_again_at", 1),), (("rest_since", 1),)}}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An index that must exist, and the existing index on the same keys, if there is one."""

    collection: str
    model: IndexModel
    found_name: str | None
    found: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.collection}.{self.model.document['name']}"

    @property
    def serves(self) -> bool:
        return _effect(self.found) == _effect(self.model.document)


class Indexes:
    """Creates the indexes, and says which are missing.

    An index that another program made is used if it has the same keys and the same effect.
    """

    def __init__(self, database: Database[Document], translated_errors: TranslatedErrors) -> None:
        self._database = database
        self._translated_errors = translated_errors

    def create(self, retention_days: int) -> None:
        """Create the indexes that are missing.

        An index contains how long jobs are kept, so a changed setting changes that index. Raises
        StartError, with the index's name, if another index or duplicate keys are in the way, and
        DatabaseError.
        """
        with self._translated_errors(), pymongo.timeout(_CREATE_TIMEOUT_S):
            for wanted in self._unserved(retention_days):
                if wanted.found_name is None:
                    self._create(wanted)
                elif "expireAfterSeconds" in wanted.model.document:
                    self._database.command(
                        "collMod",
                        wanted.collection,
                        index={
                            "keyPattern": {"created_at": ASCENDING},
                            "expireAfterSeconds": wanted.model.document["expireAfterSeconds"],
                        },
                    )
                else:
                    raise StartError(
                        f"MongoDB: the index {wanted.found_name} of {wanted.collection} has other "
                        f"options than {wanted.name} needs: drop it, and start again"
                    )
            for collection, former in _FORMER.items():
                for name, index in self._database[collection].index_information().items():
                    if _keys(index["key"]) in former:
                        self._database[collection].drop_index(name)

    def missing(self, retention_days: int) -> list[str]:
        """The indexes that `create` would create or change, as `collection.index`."""
        with self._translated_errors():
            return [wanted.name for wanted in self._unserved(retention_days)]

    def _unserved(self, retention_days: int) -> Iterator[_Wanted]:
        expiry = IndexModel("created_at", expireAfterSeconds=retention_days * _SECONDS_A_DAY)
        for collection, models in _INDEXES.items():
            existing = self._database[collection].index_information()
            by_keys = {_keys(index["key"]): name for name, index in existing.items()}
            for model in [*models, expiry] if collection == "pdf_chapter_jobs" else models:
                name = by_keys.get(_keys(model.document["key"].items()))
                wanted = _Wanted(collection, model, name, existing.get(name or "", {}))
                if name is None or not wanted.serves:
                    yield wanted

    def _create(self, wanted: _Wanted) -> None:
        try:
            self._database[wanted.collection].create_indexes([wanted.model])
        except DuplicateKeyError as error:
            raise StartError(
                f"MongoDB: the index {wanted.name} cannot be created because the collection has "
                "duplicate keys: remove them, and start again"
            ) from error


def _effect(index: Mapping[str, Any]) -> Document:
    """Options that are stored as false are as if they were absent."""
    return {name: index[name] for name in _OPTIONS if index.get(name) not in (None, False)}


def _keys(pairs: Any) -> tuple[tuple[str, int], ...]:
    return tuple((name, int(direction)) for name, direction in pairs)
