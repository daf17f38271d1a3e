"""Starts servers and commands from a process that has imported their code already.

The tests start some three hundred of them. Importing the code takes each of them up to a second of
a core's time, which is most of what it does. `python wsgi.py` and the installed program are run as
they are by tests of the command line and of the documentation.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_OF_ONE_MACHINE = [
    "wordai_jobs.server",
    "wordai_jobs.app",
    "wordai_jobs.http_server",
    "wordai_jobs.maintenance",
    "wordai_jobs.cli.main",
    __name__,
]
_context.set_forkserver_preload(_OF_ONE_MACHINE)


def warm_up_for_fleets() -> None:
    """Also import what workers need; to be called before the first process is started."""
    _context.set_forkserver_preload([*_OF_ONE_MACHINE, "wordai_jobs.worker"])


class WarmProcess:
    """`wordai-jobs ARGUMENT…` as a process of its own; to be used like `subprocess.Popen`."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        env: Mapping[str, str],
        stdout: Path,
        stderr: Path,
    ) -> None:
        # A daemon ends with the tests, also if one of them leaves it running.
        self._process = _context.Process(
            target=_run, args=(arguments, folder, env, stdout, stderr), daemon=True
        )
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
            raise subprocess.TimeoutExpired("wordai-jobs", timeout_s or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()


def _run(
    arguments: Sequence[str], folder: Path, env: Mapping[str, str], stdout: Path, stderr: Path
) -> None:
    # Only here, in the new process: the tests themselves do not need it.
    from wordai_jobs.cli.main import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    for path, standard in ((stdout, sys.stdout), (stderr, sys.stderr)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, standard.fileno())
        os.close(descriptor)
    sys.argv = ["wordai-jobs", *arguments]
    main()
