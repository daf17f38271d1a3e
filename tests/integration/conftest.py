"""Databases that tests look into or share between servers, and a server that they may kill."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pymongo
import pytest
from pymongo.database import Database

from tests.support.databases import own_database
from tests.support.mongo import DatabaseProcess

# What servers have recorded: their collections, by name.
Records = Database[dict[str, Any]]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[DatabaseProcess]:
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
