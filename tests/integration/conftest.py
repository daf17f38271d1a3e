"""Databases that tests read, share between servers, or kill, and renderers that they drive."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pymongo
import pymongo.database
import pytest

from tests.support.databases import own_database
from tests.support.leftovers import files
from tests.support.mongo import DatabaseProcess
from tests.support.pdfs import text_pdf
from tests.support.refusals import ORIGIN
from tests.support.renderers import SETTINGS
from tests.support.server import ServerProcess
from tests.support.waiting import wait_until
from wordai_jobs.database.client import Database
from wordai_jobs.rendering.child_process import ChildProcess
from wordai_jobs.rendering.fork_client import ForkServer
from wordai_jobs.rendering.forked_process import ChildEnded
from wordai_jobs.rendering.pool import RenderPool

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


@pytest.fixture(scope="module")
def shared_fork_server() -> Iterator[ForkServer]:
    running = ForkServer()
    yield running
    running.stop()


@pytest.fixture
def fork_server(shared_fork_server: ForkServer) -> ForkServer:
    """Runs until a test kills it: this thread, and none of a pool, has started it."""

    def a_child_starts() -> bool:
        first = ChildProcess("a first child", SETTINGS, shared_fork_server)
        try:
            first.start()
        except ChildEnded:
            return False  # a pool of the test before had started it, and it ends with that pool
        first.kill()
        return True

    wait_until(a_child_starts, what="a fork server")
    return shared_fork_server


@pytest.fixture
def pool(fork_server: ForkServer) -> Iterator[RenderPool]:
    running = RenderPool(SETTINGS, fork_server)
    running.start()
    wait_until(lambda: running.ready_count == 1, what="a child")
    yield running
    running.stop()


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    """Of three pages."""
    path = tmp_path / "a.pdf"
    path.write_bytes(text_pdf(3))
    return path


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with small limits, and to itself, so that its files can be counted."""
    settings = {
        "limits.max_upload_mb": 1,
        "rendering.max_pages": 20,
        "cors.origins": [ORIGIN],
    }
    server = ServerProcess(tmp_path_factory.mktemp("strict"), settings).start().wait_until_ready()
    yield server
    assert server.stop() == 0


@pytest.fixture
def unchanged(strict: ServerProcess) -> Iterator[None]:
    """The test leaves the same files and the same process as before."""
    before, pid = files(strict.data), strict.pid
    yield
    assert files(strict.data) == before
    assert strict.process and strict.process.poll() is None and strict.pid == pid
