"""Databases that tests read, share between servers, or kill."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pymongo
import pymongo.database
import pytest

from tests.support.databases import own_database
from tests.support.mongo import DatabaseProcess
from wordai_jobs.database.client import Database

# The collections of servers, by name.
Records = pymongo.database.Database[dict[str, Any]]


@pytest.fixture
def mongodb(tmp_path: Path) -> Iterator[DatabaseProcess]:
    """A database server that the test may kill."""
    running = DatabaseProcess(tmp_path / "mongo").start()
    yield running
    running.kill()


@pytest.fixture
def shared() -> dict[str, str]:
    """Settings for a database of the test's own, which several servers may use."""
    return own_database()


@pytest.fixture
def records(shared: dict[str, str]) -> Iterator[Records]:
    """The collections of the servers with these settings."""
    with pymongo.MongoClient[dict[str, Any]](shared["mongodb.uri"]) as client:
        yield client[shared["mongodb.database"]]


@pytest.fixture
def database(shared: dict[str, str]) -> Iterator[Database]:
    """The database as the server uses it, for tests without a server."""
    connected = Database(shared["mongodb.uri"], shared["mongodb.database"])
    connected.indexes.create(7)
    yield connected
    connected.close()


@pytest.fixture
def new_job_document() -> Callable[..., dict[str, Any]]:
    """Makes a job document with only the fields that the contract names."""

    def make(**fields: Any) -> dict[str, Any]:
        now = datetime.now(UTC).replace(microsecond=0)
        return {
            "job_id": str(uuid4()),
            "user_id": "alice",
            "book_id": str(uuid4()),
            "file_id": "file_1",
            "status": "pending",
            "progress": 0,
            "message": "PDF chapter creation job enqueued",
            "created_at": now,
            "updated_at": now,
            **fields,
        }

    return make
