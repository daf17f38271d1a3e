"""The real server as a process of its own."""

import json
import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from tests.support.databases import own_database
from tests.support.processes import descendants
from tests.support.waiting import wait_until
from tests.support.warm_start import WarmProcess
from wordai_jobs.rendering import sandbox

EMBEDDED: dict[str, object] = {"mongodb.uri": "embedded"}
ROOT = Path(__file__).resolve().parents[2]

_session = requests.Session()
_session.trust_env = False  # looking for a proxy takes longer than the answer
_session.headers["Connection"] = "close"  # a server that stops must not find it open


def free_port() -> int:
    """A free port. Until it is used, no outgoing connection can take it: Linux gives those ports
    from 32,768 on. Several runs of tests draw from the same ports, so they are drawn at random.
    """
    while True:
        port = secrets.choice(range(10_000, 32_768))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as connection:
        return connection.connect_ex((host, port)) == 0


def is_ok(port: int, path: str) -> bool:
    """Whether a server on this machine is up and answers the path with success."""
    try:
        return _session.get(f"http://127.0.0.1:{port}{path}", timeout=10).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


def wait_until_up(
    process: subprocess.Popen[Any] | WarmProcess,
    port: int,
    path: str | None = None,
    log: Path | None = None,
    timeout_s: float = 60,
) -> None:
    """Wait until the process listens on the port or, if a path is given, answers it with success.

    Fails at once if the process has ended, with the end of its log.
    """

    def is_up() -> bool:
        if process.poll() is not None:
            said = log.read_text()[-3000:] if log else ""
            raise AssertionError(f"ended with exit code {process.returncode}:\n{said}")
        return is_ok(port, path) if path else is_listening(port)

    wait_until(is_up, timeout_s, f"a server on port {port}")


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """This environment with only the given settings, which are as in `{"jobs.workers": 2}`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WORDAI_")}
    for key, value in settings.items():
        variable = f"WORDAI_JOBS_{key.replace('.', '__').upper()}"
        clean[variable] = value if isinstance(value, str) else json.dumps(value)
    return clean


class OwnProcess:
    """A program that the test runs, with its log in `log_path`."""

    log_path: Path
    process: WarmProcess | subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def stop(self, timeout_s: float = 60) -> int:
        """SIGTERM, and wait; returns the exit code."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()

    def children(self) -> list[int]:
        """The process ids of its living children, grandchildren included."""
        return descendants(self.pid)


class ServerProcess(OwnProcess):
    """A server with its own port, data folder and database; `settings` as in `environment`.

    The database is on the server that TEST_MONGODB_URI names, unless the settings name another or
    are `EMBEDDED`.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, object] | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = folder / "server.log"
        self._settings: dict[str, object] = {
            "server.port": self.port,
            "storage.data_dir": str(self.data),
            "rendering.sandbox": "auto" if sandbox.missing() else "required",
            **(settings or {}),
        }
        if "mongodb.uri" not in self._settings:
            self._settings.update(own_database())
        self._env = env or {}

    def launch(self) -> None:
        """Start the process and return at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        env = environment(self._settings) | self._env
        self.process = WarmProcess(["serve"], self.folder, env, self.log_path, self.log_path)

    def start(self) -> "ServerProcess":
        """Start the process and wait until it answers."""
        self.launch()
        self._wait_until_ok("/health")
        return self

    def wait_until_ready(self) -> "ServerProcess":
        """Wait until its database, storage and renderers work."""
        self._wait_until_ok("/health/ready")
        return self

    def _wait_until_ok(self, path: str) -> None:
        assert self.process
        wait_until_up(self.process, self.port, path, self.log_path)

    def refusal(self) -> str:
        """The last line of the log of a server that does not start."""
        self.launch()
        assert self.process
        assert self.process.wait(60) == 1, self.log
        assert "Traceback" not in self.log
        return self.log.splitlines()[-1]
