"""Databases that tests look into or share between servers, and a server that they may kill."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
