"""Fixtures: one server that tests share if they leave it as it is, and further ones.

All use one database server: the one named by TEST_MONGODB_URI, or one that is started here. Tests
of the embedded database ask for that.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.client import Client
from tests.support.databases import URI_VARIABLE, drop_used
from tests.support.mongo import DatabaseProcess
from tests.support.objects import Bucket, S3Server
from tests.support.pdfs import SHARED
from tests.support.server import ServerProcess
from tests.support.warm_start import warm_up_for_fleets

MEMORY = Path("/dev/shm")
MEMORY_NEEDED_BYTES = 4 * 1024**3
StartServer = Callable[..., ServerProcess]
_DATABASE = pytest.StashKey[DatabaseProcess]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose the place of files, and start the database server; test processes inherit both.

    Nobody kills this database, so it need not sync what it writes: that would take a tenth of the
    tests' time. Syncing the files of servers to a disk would take another tenth.
    """
    if "TMPDIR" not in os.environ and has_room(MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
    if URI_VARIABLE not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="wordai-test-"))
        database = config.stash[_DATABASE] = DatabaseProcess(folder, is_synced=False).start()
        os.environ[URI_VARIABLE] = database.uri


def has_room(folder: Path) -> bool:
    """Whether programs can be started from the folder, and all files of the tests fit into it."""
    if not folder.is_dir():
        return False
    state = os.statvfs(folder)
    free_bytes = state.f_bavail * state.f_frsize
    return free_bytes >= MEMORY_NEEDED_BYTES and not state.f_flag & os.ST_NOEXEC


def pytest_unconfigure(config: pytest.Config) -> None:
    drop_used()
    database = config.stash.get(_DATABASE, None)
    if database:
        database.kill()
        shutil.rmtree(database.folder)
        del os.environ[URI_VARIABLE]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files start first, so that none of them runs alone at the end."""

    def duration_s(item: pytest.Item) -> int:
        marker = item.get_closest_marker("long_file")
        return marker.args[0] if marker else 0

    items.sort(key=duration_s, reverse=True)


def pytest_collection_finish(session: pytest.Session) -> None:
    if any(item.get_closest_marker("fleet") for item in session.items):
        warm_up_for_fleets()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("needs_shared_pdfs") and not SHARED.is_dir():
        pytest.skip(f"needs the real PDFs in {SHARED.parent.name}/{SHARED.name} beside the project")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the default settings, for tests that neither stop nor overload it."""
    settings = {"cors.origins": ["https://app.example"]}
    running = ServerProcess(tmp_path_factory.mktemp("server"), settings).start().wait_until_ready()
    yield running
    assert running.stop() == 0, running.log[-3000:]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts servers with the test's settings, one renderer and small images; kills them after the
    test.
    """
    started: list[ServerProcess] = []

    def start(
        settings: dict[str, object] | None = None, env: dict[str, str] | None = None
    ) -> ServerProcess:
        own = {"rendering.processes": 1, "rendering.dpi": 72, **(settings or {})}
        started.append(ServerProcess(tmp_path / f"server{len(started)}", own, env))
        return started[-1].start()

    yield start
    for running in started:
        if running.process and running.process.poll() is None:
            running.kill()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 server, for tests that do not stop it."""
    running = S3Server(tmp_path_factory.mktemp("s3")).start()
    yield running
    running.kill()


@pytest.fixture
def bucket(s3: S3Server) -> Bucket:
    """A place for objects of the test's own."""
    return Bucket(s3)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MB."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def alice(server: ServerProcess) -> Client:
    """A user of no other test."""
    return Client(server.url, f"alice-{uuid4().hex[:8]}")


@pytest.fixture
def bob(server: ServerProcess) -> Client:
    return Client(server.url, f"bob-{uuid4().hex[:8]}")
