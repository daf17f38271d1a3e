"""The connection, the indexes, and the translation of driver errors."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pymongo
from pymongo import ASCENDING, DESCENDING, IndexModel, MongoClient
from pymongo.collection import Collection
from pymongo.errors import (
    ConfigurationError,
    DuplicateKeyError,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)

from wordai_jobs.database.metrics import DatabaseFault, DatabaseMetrics
from wordai_jobs.errors import DatabaseError, StartError

# A status poll has to say within 3 seconds that the database is away.
OPERATION_TIMEOUT_MS = 2500
_SECONDS_A_DAY = 86_400
# IndexOptionsConflict and IndexKeySpecsConflict: which of them an index with other options gives
# depends on the version.
_INDEX_CONFLICTS = (85, 86)

Document = dict[str, Any]

logger = logging.getLogger(__name__)


class Database:
    """One database, its collections by name. Thread-safe, as pymongo's client is."""

    def __init__(
        self, uri: str, name: str, metrics: DatabaseMetrics | None = None, is_shared: bool = True
    ) -> None:
        """Connects on first use; raises StartError for a URI that cannot be one.

        `is_shared`: whether another server may use the database at the same time.
        """
        self.is_shared = is_shared
        self._metrics = metrics or DatabaseMetrics()
        try:
            self._client: MongoClient[Document] = MongoClient(
                uri,
                tz_aware=True,
                timeoutMS=OPERATION_TIMEOUT_MS,
                serverSelectionTimeoutMS=OPERATION_TIMEOUT_MS,
                appname="wordai_jobs",
                connect=False,
            )
        except (InvalidURI, ConfigurationError, ValueError) as error:
            raise StartError(f"Configuration: mongodb.uri: {error}") from error
        self._database = self._client[name]
        self.jobs = self._database["pdf_chapter_jobs"]
        self.books = self._database["books"]
        self.chapters = self._database["book_chapters"]
        self.uploads = self._database["user_files"]
        self.instances = self._database["server_instances"]
        self.idempotency_keys = self._database["idempotency_keys"]

    def close(self) -> None:
        self._client.close()

    def ping(self) -> None:
        """Raises DatabaseError where the server does not answer."""
        with self.errors_in_words():
            self._client.admin.command("ping")

    def create_indexes(self, retention_days: int) -> None:
        """Make the indexes that are missing; raises DatabaseError.

        The time that jobs are kept is part of an index, so a changed setting changes it in place.
        """
        with self.errors_in_words():
            for collection in (self.jobs, self.idempotency_keys):
                self._create_expiry(collection, retention_days * _SECONDS_A_DAY)
            for collection, indexes in self._indexes:
                collection.create_indexes(list(indexes))

    def missing_indexes(self, retention_days: int) -> list[str]:
        """Those that `create_indexes` would make or change, as `collection.index`; raises
        DatabaseError.
        """
        expiry = IndexModel("created_at", expireAfterSeconds=retention_days * _SECONDS_A_DAY)
        wanted = [(self.jobs, (expiry,)), (self.idempotency_keys, (expiry,)), *self._indexes]
        with self.errors_in_words():
            return [
                f"{collection.name}.{index.document['name']}"
                for collection, indexes in wanted
                for index in indexes
                if not _is_there(index, collection.index_information())
            ]

    @property
    def _indexes(self) -> list[tuple[Collection[Document], tuple[IndexModel, ...]]]:
        """All but those that expire documents."""
        return [
            (
                self.idempotency_keys,
                (IndexModel([("user_id", ASCENDING), ("key", ASCENDING)], unique=True),),
            ),
            (
                self.jobs,
                (
                    IndexModel("job_id", unique=True),
                    IndexModel([("user_id", ASCENDING), ("status", ASCENDING)]),
                    IndexModel("updated_at"),
                ),
            ),
            (
                self.books,
                (
                    IndexModel("book_id", unique=True),
                    IndexModel([("user_id", ASCENDING), ("created_at", DESCENDING)]),
                ),
            ),
            (
                self.chapters,
                (
                    IndexModel("chapter_id", unique=True),
                    IndexModel([("book_id", ASCENDING), ("slug", ASCENDING)], unique=True),
                    IndexModel("file_id"),
                ),
            ),
            (self.uploads, (IndexModel("file_id", unique=True), IndexModel("created_at"))),
            (self.instances, (IndexModel("instance_id", unique=True),)),
        ]

    @contextmanager
    def errors_in_words(self) -> Iterator[None]:
        """Turns the driver's errors into DatabaseError. A duplicate key goes through: it is an
        answer, not a fault.
        """
        try:
            yield
        except DuplicateKeyError:
            raise
        except PyMongoError as error:
            logger.error("database: %s", error)
            away = isinstance(error, pymongo.errors.ConnectionFailure) or error.timeout
            self._metrics.failed(DatabaseFault.UNREACHABLE if away else DatabaseFault.REFUSED)
            raise DatabaseError(
                "the database cannot be reached" if away else "the database refused the operation"
            ) from error

    def _create_expiry(self, collection: Collection[Document], seconds: int) -> None:
        try:
            collection.create_index("created_at", expireAfterSeconds=seconds)
        except OperationFailure as error:
            if error.code not in _INDEX_CONFLICTS:
                raise
            index = {"keyPattern": {"created_at": ASCENDING}, "expireAfterSeconds": seconds}
            self._database.command("collMod", collection.name, index=index)


def _is_there(wanted: IndexModel, existing: Mapping[str, Any]) -> bool:
    found = existing.get(wanted.document["name"], {})
    return bool(found) and all(
        found.get(option) == wanted.document.get(option)
        for option in ("unique", "expireAfterSeconds")
    )


def without_nones(document: Mapping[str, Any]) -> Document:
    return {key: value for key, value in document.items() if value is not None}
