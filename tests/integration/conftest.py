"""A database server of the test's own, and what is recorded in it, for tests that kill it, change it, or share it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.database import Database

from tests.support.mongo import DatabaseProcess


@pytest.fixture
def database(tmp_path: Path) -> Iterator[DatabaseProcess]:
    running = DatabaseProcess(tmp_path / "mongo").start()
    yield running
    running.kill()


@pytest.fixture
def records(database: DatabaseProcess) -> Iterator[Database[dict[str, Any]]]:
    """The collections, as a server with the default settings names them."""
    with pymongo.MongoClient[dict[str, Any]](database.uri) as client:
        yield client["wordai"]
