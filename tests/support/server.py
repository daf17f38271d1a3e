"""The real server, `python wsgi.py`, as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import requests

from tests.support.databases import own_database
from tests.support.waiting import wait_until

EMBEDDED: dict[str, object] = {"mongodb.uri": "embedded"}
ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as connection:
        return connection.connect_ex((host, port)) == 0


class ServerProcess:
    """A server on a port, a data folder and a database of its own. `settings` are as in
    `{"jobs.workers": 2}`.

    The database is one of the server that TEST_MONGODB_URI names, unless the settings name another
    or are `EMBEDDED`.
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
            **(settings or {}),
        }
        if "mongodb.uri" not in self._settings:
            self._settings.update(own_database())
        self._env = env or {}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def launch(self) -> None:
        """Start the process and return at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "wsgi.py")],
                cwd=self.folder,
                env=self._environment(),
                stdout=log,
                stderr=log,
            )

    def start(self) -> "ServerProcess":
        """Start the process and wait until it answers."""
        self.launch()
        wait_until(self._answers, 60, f"a server at {self.url}")
        return self

    def wait_until_ready(self) -> "ServerProcess":
        """Wait until its database, storage and renderers work."""
        wait_until(lambda: requests.get(f"{self.url}/health/ready", timeout=10).ok, 60, "readiness")
        return self

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
        """The process ids of the server's living children, grandchildren included."""
        return descendants(self.pid)

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, (
            f"the server ended with {self.process.returncode}:\n{self.log[-3000:]}"
        )
        try:
            return requests.get(f"{self.url}/health", timeout=10).ok
        except (requests.ConnectionError, requests.Timeout):
            # Not listening yet; listening, and starting still.
            return False

    def _environment(self) -> dict[str, str]:
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith("WORDAI_JOBS_")
        }
        settings = {
            f"WORDAI_JOBS_{key.replace('.', '__').upper()}": _text(value)
            for key, value in self._settings.items()
        }
        return {**clean, **settings, **self._env}


def descendants(pid: int) -> list[int]:
    """Every living process below `pid`."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid and fields[0] not in "ZX":
            found += [int(entry.name), *descendants(int(entry.name))]
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
