"""A database server for tests that share it between servers, pause it or kill it."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.support.processes import is_stopped
from tests.support.server import free_port, wait_until_up
from tests.support.waiting import wait_until


class DatabaseProcess:
    """The embedded database's program, run by the test."""

    command: tuple[str, ...] = (str(Path(sys.executable).with_name("secantusd-py")),)
    _process: subprocess.Popen[bytes]

    def __init__(self, folder: Path, is_synced: bool = True) -> None:
        """`is_synced`: whether each acknowledged write is on disk, as in the service."""
        self.folder = folder
        self._is_synced = is_synced
        self._port = free_port()
        self.uri = f"mongodb://127.0.0.1:{self._port}"

    def start(self) -> "DatabaseProcess":
        self.folder.mkdir(parents=True, exist_ok=True)
        options = f"--port {self._port} --standalone --cache-size 64M"
        if self._is_synced:
            options += " --sync-on-commit"
        self._process = subprocess.Popen(
            [*self.command, *options.split(), "--storage-path", "db", "--log-level", "ERROR"],
            cwd=self.folder,
        )
        wait_until_up(self._process, self._port)
        return self

    @property
    def pid(self) -> int:
        return self._process.pid

    def pause(self) -> None:
        """Stop the process, and return once all of it has stopped: a signal takes its time."""
        self._process.send_signal(signal.SIGSTOP)
        wait_until(lambda: is_stopped(self._process.pid), what="the database to pause")

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
