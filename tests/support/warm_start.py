"""Starts servers from a process that has imported their code already.

The tests start some two hundred servers. Importing the code takes each of them a second of a
core's time, which is most of a start. `python wsgi.py` itself is run by the tests of the command
line and of the documentation.
"""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["wordai_jobs.server", __name__])


class WarmProcess:
    """A server that is a process of its own; to be used like `subprocess.Popen`."""

    def __init__(self, folder: Path, env: dict[str, str], log: Path) -> None:
        # A daemon ends with the tests, also if one of them leaves it running.
        self._process = _context.Process(target=_serve, args=(folder, env, log), daemon=True)
        self._process.start()
        assert self._process.pid
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout_s: float | None = None) -> int:
        self._process.join(timeout_s)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("wsgi.py", timeout_s or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()


def _serve(folder: Path, env: dict[str, str], log: Path) -> None:
    """What `python wsgi.py` does, in this folder and environment."""
    # Only here, in the server: the tests themselves do not need it.
    from wordai_jobs.server import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for standard in (sys.stdout, sys.stderr):
        os.dup2(descriptor, standard.fileno())
    os.close(descriptor)
    main()
