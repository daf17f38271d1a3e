"""The fork server as the server sees it: started when first needed and again when gone, asked for
children.
"""

import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from wordai_jobs import linux
from wordai_jobs.rendering.mutter import Mutter

# Of the fork server and of a child. A machine that swaps may take its time.
START_TIMEOUT_S = 30.0
# It forks within 10 ms.
_ANSWER_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 5.0
# How often a wait looks whether it is still wanted; a cancelled page is given up within this time.
TICK_S = 0.1
_LONGEST_MESSAGE = 4096
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "PYTHONDONTWRITEBYTECODE")
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]

logger = logging.getLogger(__name__)


class ForkFailed(Exception):
    """No child could be had; the message says why, for the log."""


class WaitAbandoned(Exception):
    """Nobody wants what was waited for any more. A child that works on it must be killed."""


class _ParentGone(ForkFailed):
    """The fork server has ended, or cannot be relied on any more."""


class ForkServer:
    """Forks children for whoever asks, from any thread, one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parent: _Parent | None = None
        self._is_stopped = False

    def fork(
        self,
        name: str,
        memory_limit_mb: int,
        streams: Sequence[int],
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> "Fork":
        """A child that has `streams` as its standard input, output and error.

        Raises ForkFailed, or WaitAbandoned once `is_wanted` says no.
        """
        while not self._lock.acquire(timeout=TICK_S):
            if not is_wanted():
                raise WaitAbandoned
        try:
            return self._fork(name, memory_limit_mb, streams, is_wanted)
        finally:
            self._lock.release()

    def stop(self) -> None:
        """End it, and with it every child it has forked. None can be had from now on."""
        self._is_stopped = True
        self._drop()

    def _drop(self) -> None:
        parent, self._parent = self._parent, None
        if parent:
            parent.stop()

    def _fork(
        self, name: str, memory_limit_mb: int, streams: Sequence[int], is_wanted: Callable[[], bool]
    ) -> "Fork":
        parent = self._parent
        if parent:
            try:
                return parent.fork(name, memory_limit_mb, streams)
            except _ParentGone as error:
                logger.warning("%s; starting another", error)
                self._drop()
        if self._is_stopped:
            raise ForkFailed("the fork server was stopped")
        parent = self._parent = _Parent.started(is_wanted)
        return parent.fork(name, memory_limit_mb, streams)


class Fork:
    """A child. To be used from one thread at a time."""

    def __init__(self, parent: "_Parent", pid: int, pidfd: int) -> None:
        self.pid = pid
        self._parent = parent
        self._pidfd = pidfd
        self._code: int | None = None

    @property
    def is_running(self) -> bool:
        return self._code is None and not self._has_ended(0)

    def wait(self, timeout_s: float) -> int | None:
        """The exit status as in `subprocess`; None where the child has not ended by then."""
        if self._code is None and self._has_ended(timeout_s):
            self._reap()
        return self._code

    def kill(self) -> None:
        """End the child, and wait for that: it writes nothing more once this returns."""
        if self._code is None:
            with suppress(ProcessLookupError):  # it has ended with its parent
                linux.pidfd_kill(self._pidfd)
            self._has_ended(None)
            self._reap()

    def _has_ended(self, timeout_s: float | None) -> bool:
        """A pidfd can be read once its process has ended. None waits for that, and the disk may
        keep a process for long.
        """
        return _can_be_read(self._pidfd, timeout_s)

    def _reap(self) -> None:
        self._code = self._parent.reap(self.pid)
        os.close(self._pidfd)


class _Parent:
    """One fork server process. Children that it has forked end with it."""

    @classmethod
    def started(cls, is_wanted: Callable[[], bool]) -> "_Parent":
        """One whose libraries are loaded; raises ForkFailed, or WaitAbandoned once `is_wanted` says
        no.
        """
        parent = cls()
        try:
            parent._wait_until_ready(is_wanted)
        except BaseException:
            parent.stop()
            raise
        return parent

    def __init__(self) -> None:
        self._lock = threading.Lock()
        try:
            self._connection, self._process = _launch()
        except OSError as error:
            raise ForkFailed(f"the fork server could not be started: {error}") from error
        assert self._process.stderr
        self._mutter = Mutter("fork server", self._process.stderr)
        self._connection.settimeout(_ANSWER_TIMEOUT_S)

    def fork(self, name: str, memory_limit_mb: int, streams: Sequence[int]) -> Fork:
        request = {"op": "fork", "name": name, "memory_limit_mb": memory_limit_mb}
        answer, descriptors = self._ask(request, streams)
        if not descriptors:  # the kernel drops one that this process has no room for
            self.reap(answer["pid"])
            raise ForkFailed("the server has no descriptor left for a child")
        return Fork(self, answer["pid"], descriptors[0])

    def reap(self, pid: int) -> int:
        """The exit status of a child, which is ended where it has not ended yet."""
        try:
            code: int = self._ask({"op": "reap", "pid": pid})[0]["code"]
            return code
        except ForkFailed:
            # Where this is process 1 of a container, it has inherited the child.
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            # What the kernel sends to the children of a process that is gone.
            return -signal.SIGKILL

    def stop(self) -> None:
        with self._lock:
            self._connection.close()
            self._wait()
            assert self._process.stderr
            self._process.stderr.close()

    def _wait_until_ready(self, is_wanted: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _can_be_read(self._connection.fileno(), TICK_S):
            if not is_wanted():
                raise WaitAbandoned
            if time.monotonic() > deadline:
                raise ForkFailed(f"the fork server was not ready within {START_TIMEOUT_S:.0f} s")
        self._receive()

    def _ask(
        self, request: dict[str, Any], descriptors: Sequence[int] = ()
    ) -> tuple[dict[str, Any], list[int]]:
        with self._lock:
            if self._connection.fileno() < 0:
                raise _ParentGone("the fork server was stopped")
            self._mutter.begin_request()
            try:
                socket.send_fds(self._connection, [json.dumps(request).encode()], descriptors)
            except OSError as error:
                raise _ParentGone(self._how_it_ended()) from error
            return self._receive()

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._connection, _LONGEST_MESSAGE, 1)
        except TimeoutError as error:
            # Stopped by somebody, say. Its children go with it; nobody is to read an answer that
            # comes too late.
            self._process.kill()
            self._connection.close()
            raise _ParentGone("the fork server does not answer") from error
        except OSError as error:
            raise _ParentGone(self._how_it_ended()) from error
        if not message:
            raise _ParentGone(self._how_it_ended())
        self._mutter.log()
        answer = json.loads(message)
        if "error" in answer:
            raise ForkFailed(f"the fork server could not do it: {answer['error']}")
        return answer, descriptors

    def _how_it_ended(self) -> str:
        code = self._wait()
        self._mutter.log()
        return f"the fork server {how_it_ended(code)}"

    def _wait(self) -> int:
        """Its exit status. Without its socket it ends by itself."""
        try:
            return self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _launch() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    connection, its_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its_end:
        try:
            # A session of its own: Ctrl-C in the terminal is for the server, which ends its
            # children in order.
            return connection, subprocess.Popen(
                [sys.executable, "-m", "wordai_jobs.rendering.fork_server", str(os.getpid())],
                stdin=its_end.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=_environment(),
                start_new_session=True,
            )
        except OSError:
            connection.close()
            raise


def how_it_ended(code: int) -> str:
    """An exit status in words, as in `was ended by SIGKILL`."""
    if code >= 0:
        return f"exited with {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal
        return f"was ended by signal {-code}"


def _can_be_read(descriptor: int, timeout_s: float | None) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))


def _environment() -> dict[str, str]:
    """Only what Python needs: a child that a hostile PDF has taken over should find no secret in
    its environment.
    """
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "PYTHONPATH": str(_PACKAGE_ROOT)}
