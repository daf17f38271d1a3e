"""The connection to MongoDB, and the repositories that use it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pymongo
from pymongo import MongoClient
from pymongo.errors import ConfigurationError, DuplicateKeyError, InvalidURI, PyMongoError

from wordai_jobs.availability import Availability
from wordai_jobs.clock import utc_now
from wordai_jobs.database.books import BookRepository
from wordai_jobs.database.chapters import ChapterRepository
from wordai_jobs.database.dump import Dump
from wordai_jobs.database.fleet import FleetRepository
from wordai_jobs.database.identity import IdentityRepository
from wordai_jobs.database.indexes import Indexes
from wordai_jobs.database.jobs import JobRepository
from wordai_jobs.database.lookout import LookoutRepository
from wordai_jobs.database.metrics import DatabaseFault, DatabaseMetrics
from wordai_jobs.database.positions import PositionRepository
from wordai_jobs.database.repository import Document
from wordai_jobs.database.uploads import UploadRepository
from wordai_jobs.database.users import UserRecords
from wordai_jobs.errors import DatabaseAway, DatabaseError, StartError

# A status poll must report within 3 seconds that the database is away.
OPERATION_TIMEOUT_MS = 2500
_PROBE_TIMEOUT_S = 1.0
_REQUEST_SLOTS = 6

logger = logging.getLogger(__name__)


class Database:
    """One database and its repositories. Thread-safe, as pymongo's client is.

    All methods of this class and of the repositories raise DatabaseError if an operation fails.
    """

    def __init__(
        self,
        uri: str,
        name: str,
        metrics: DatabaseMetrics | None = None,
        request_slots: int = _REQUEST_SLOTS,
    ) -> None:
        """Connects on first use. Raises StartError if the URI is invalid.

        `request_slots`: how many threads that handle requests may wait for the database at once.
        """
        self.name = name
        self._metrics = metrics or DatabaseMetrics()
        try:
            self._client: MongoClient[Document] = MongoClient(
                uri,
                tz_aware=True,
                timeoutMS=OPERATION_TIMEOUT_MS,
                serverSelectionTimeoutMS=OPERATION_TIMEOUT_MS,
                appname="wordai_jobs",
                connect=False,
                # These override the URI. An acknowledged write must survive a kill -9 of the
                # database, which a stand-alone MongoDB promises only for journaled writes.
                w="majority",
                journal=True,
                readPreference="primary",
            )
        except (InvalidURI, ConfigurationError, ValueError) as error:
            raise StartError(f"Configuration: mongodb.uri: {error}") from error
        self._availability = Availability("the database", DatabaseAway, self._probe, request_slots)
        database = self._client[name]
        self.jobs = JobRepository(database["pdf_chapter_jobs"], self.translated_errors)
        self.fleet = FleetRepository(database["pdf_chapter_jobs"], self.translated_errors)
        self.lookout = LookoutRepository(database["fleet"], self.translated_errors)
        self.books = BookRepository(database["books"], self.translated_errors)
        self.chapters = ChapterRepository(database["book_chapters"], self.translated_errors)
        self.positions = PositionRepository(database["reading_positions"], self.translated_errors)
        self.uploads = UploadRepository(database["user_files"], self.translated_errors)
        self.identity = IdentityRepository(database["data_folder"], self.translated_errors)
        self.users = UserRecords(database, self.translated_errors)
        self.indexes = Indexes(database, self.translated_errors)
        self.dump = Dump(database, self.translated_errors)

    def close(self) -> None:
        self._availability.close()
        self._client.close()

    def ping(self) -> None:
        """Returns if the database responds."""
        with self.translated_errors():
            self._client.admin.command("ping")

    def clock_ahead_by(self) -> tuple[timedelta, timedelta]:
        """How much the database's clock is ahead of this machine's, and how far off that may be."""
        before = utc_now()
        with self.translated_errors():
            local_time: datetime = self._client.admin.command("hello")["localTime"]
        half = (utc_now() - before) / 2
        # Commands do not use the time zone that documents get.
        return local_time.replace(tzinfo=UTC) - (before + half), abs(half)

    def is_empty(self) -> bool:
        """Whether there is no record of any user."""
        repositories = (self.jobs, self.books, self.chapters, self.uploads)
        return all(repository.is_empty() for repository in repositories)

    @contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Turn the driver's errors into DatabaseError, but let callers handle a duplicate key."""
        with self._availability.operation():
            try:
                yield
            except DuplicateKeyError:
                raise
            except PyMongoError as error:
                logger.error("database: %s", error)
                is_away = _is_away(error)
                self._metrics.failed(
                    DatabaseFault.UNREACHABLE if is_away else DatabaseFault.REFUSED
                )
                if is_away:
                    self._availability.lost()
                    raise DatabaseAway from error
                raise DatabaseError("the database refused the operation") from error

    def _probe(self) -> None:
        """Raises DatabaseAway if the database does not respond soon."""
        try:
            with pymongo.timeout(_PROBE_TIMEOUT_S):
                self._client.admin.command("ping")
        except PyMongoError as error:
            if _is_away(error):
                raise DatabaseAway from error


def _is_away(error: PyMongoError) -> bool:
    return isinstance(error, pymongo.errors.ConnectionFailure) or error.timeout
