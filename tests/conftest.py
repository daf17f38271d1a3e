"""Fixtures: one server for the tests that leave it as it is, further ones for those that do not."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.client import Client
from tests.support.pdfs import SHARED
from tests.support.server import ServerProcess

StartServer = Callable[..., ServerProcess]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("needs_shared_pdfs") and not SHARED.is_dir():
        pytest.skip(f"needs the real PDFs in {SHARED.parent.name}/{SHARED.name} beside the project")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the default settings, shared by tests that neither stop nor overload it."""
    running = ServerProcess(tmp_path_factory.mktemp("server"), {"cors.origins": ["https://app.example"]}).start()
    running.wait_until_ready()
    yield running
    assert running.stop() == 0, running.log[-3000:]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts a server with settings of the test's own; it is stopped with the test."""
    started: list[ServerProcess] = []

    def start(settings: dict[str, object] | None = None, env: dict[str, str] | None = None) -> ServerProcess:
        running = ServerProcess(tmp_path / f"server{len(started)}", settings, env)
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
