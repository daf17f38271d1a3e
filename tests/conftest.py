"""Fixtures: one server for the tests that leave it as it is, further ones for those that do not.

All use one database server, the one that TEST_MONGODB_URI names or else one that is started here;
tests of the embedded database ask for it.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.client import Client
from tests.support.databases import URI_VARIABLE, drop_used
from tests.support.mongo import DatabaseProcess
from tests.support.pdfs import SHARED
from tests.support.server import ServerProcess

StartServer = Callable[..., ServerProcess]


_DATABASE = pytest.StashKey[DatabaseProcess]()


def pytest_configure(config: pytest.Config) -> None:
    """In the process that starts the others, which inherit the address."""
    if URI_VARIABLE not in os.environ:
        database = config.stash[_DATABASE] = DatabaseProcess(
            Path(tempfile.mkdtemp(prefix="wordai-test-"))
        ).start()
        os.environ[URI_VARIABLE] = database.uri


def pytest_unconfigure(config: pytest.Config) -> None:
    drop_used()
    database = config.stash.get(_DATABASE, None)
    if database:
        database.kill()
        shutil.rmtree(database.folder)
        del os.environ[URI_VARIABLE]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first, the longest before all, so that none of them is left
    running alone at the end.
    """
    items.sort(key=lambda item: -_long_s(item))


def _long_s(item: pytest.Item) -> int:
    marker = item.get_closest_marker("long_file")
    return marker.args[0] if marker else 0


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("needs_shared_pdfs") and not SHARED.is_dir():
        pytest.skip(f"needs the real PDFs in {SHARED.parent.name}/{SHARED.name} beside the project")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the default settings, shared by tests that neither stop nor overload it."""
    running = ServerProcess(
        tmp_path_factory.mktemp("server"), {"cors.origins": ["https://app.example"]}
    ).start()
    running.wait_until_ready()
    yield running
    assert running.stop() == 0, running.log[-3000:]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts a server with settings of the test's own, and one renderer unless they say more; it is
    stopped with the test.
    """
    started: list[ServerProcess] = []

    def start(
        settings: dict[str, object] | None = None, env: dict[str, str] | None = None
    ) -> ServerProcess:
        running = ServerProcess(
            tmp_path / f"server{len(started)}", {"rendering.processes": 1, **(settings or {})}, env
        )
        started.append(running)
        return running.start()

    yield start
    for running in started:
        if running.process and running.process.poll() is None:
            running.kill()


@pytest.fixture
def alice(server: ServerProcess) -> Client:
    """A user nobody else in the suite is."""
    return Client(server.url, f"alice-{uuid4().hex[:8]}")


@pytest.fixture
def bob(server: ServerProcess) -> Client:
    return Client(server.url, f"bob-{uuid4().hex[:8]}")
