"""One process of the fork server, as the server sees it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeVar

from wordai_jobs.rendering.child_stderr import ChildStderr
from wordai_jobs.rendering.forked_process import (
    START_TIMEOUT_S,
    TICK_S,
    ChildEnded,
    ForkedProcess,
    WaitAbandoned,
    can_be_read,
    how_it_ended,
)
from wordai_jobs.rendering.protocol import (
    LONGEST_MESSAGE,
    ForkChild,
    Forked,
    Message,
    Ready,
    ReapChild,
    Reaped,
    Refused,
    decode,
    encode,
)
from wordai_jobs.rendering.sandbox import Mode

# A fork takes up to 10 ms.
_ANSWER_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 5.0
# All children of one process have its layout of memory, so it is replaced after this many children,
# or after this time.
_MOST_CHILDREN = 500
_LONGEST_LIFE_S = 3600.0
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "PYTHONDONTWRITEBYTECODE")
_PROGRAM = "wordai_jobs.rendering.fork_server"
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_ITS_VARIABLES = {
    "PYTHONPATH": str(_PACKAGE_ROOT),
    "OPENBLAS_NUM_THREADS": "1",
    # A child's first page takes 16 MB of new memory: 8 large pages instead of 4,000 small ones.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}

Answer = TypeVar("Answer", bound=Message)


class ForkServerProcess:
    """The children that it has forked end with it."""

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket) -> None:
        assert process.stderr
        self._lock = threading.Lock()
        self._process = process
        self._stderr = ChildStderr("fork server", process.stderr)
        self._connection = connection
        self._connection.settimeout(_ANSWER_TIMEOUT_S)
        self._started_at = time.monotonic()
        self._forked = 0
        self._children = 0
        self._is_ready = False
        self.is_retired = False

    @classmethod
    def start(cls, sandbox: Mode, is_wanted: Callable[[], bool]) -> "ForkServerProcess":
        """Start a process and wait until it has loaded its libraries; raises as `ForkServer.fork`
        does.
        """
        started = cls.begin(sandbox)
        started.wait_until_ready(is_wanted)
        return started

    @classmethod
    def begin(cls, sandbox: Mode) -> "ForkServerProcess":
        """Begin to start a process. Raises OSError."""
        connection, its_connection = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # It clears its environment too, but its memory keeps what it was started with.
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        with its_connection:
            try:
                process = subprocess.Popen(
                    [sys.executable, "-m", _PROGRAM, str(os.getpid()), sandbox],
                    stdin=its_connection.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env={**kept, **_ITS_VARIABLES},
                    # A session of its own: Ctrl-C in the terminal is for the server, which ends
                    # its children in order.
                    start_new_session=True,
                )
            except OSError:
                connection.close()
                raise
        return cls(process, connection)

    def wait_until_ready(self, is_wanted: Callable[[], bool]) -> None:
        """Raises as `ForkServer.fork` does, after it has stopped the process. Does nothing if that
        is ready.
        """
        if self._is_ready:
            return
        try:
            deadline = time.monotonic() + START_TIMEOUT_S
            while not can_be_read(self._connection.fileno(), TICK_S):
                if not is_wanted():
                    raise WaitAbandoned
                if time.monotonic() > deadline:
                    raise ChildEnded(
                        f"the fork server was not ready within {START_TIMEOUT_S:.0f} s"
                    )
            self._receive(Ready)
            self._is_ready = True
        except BaseException:
            self.stop()
            raise

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def is_worn(self) -> bool:
        age_s = time.monotonic() - self._started_at
        return self._forked >= _MOST_CHILDREN or age_s > _LONGEST_LIFE_S

    def retire(self) -> None:
        """Stop it as soon as it has no children."""
        self.is_retired = True
        self._stop_if_idle()

    def _stop_if_idle(self) -> None:
        if self.is_retired and self._children == 0:
            self.stop()

    def fork(self, request: ForkChild) -> ForkedProcess:
        with ExitStack() as ours, ExitStack() as theirs:
            connection, its_connection = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.enter_context(connection)
            theirs.enter_context(its_connection)
            reading, its_stderr = os.pipe()
            stderr = ChildStderr(request.name, open(reading, "rb", buffering=0))
            ours.callback(stderr.close)
            theirs.callback(os.close, its_stderr)
            forked, descriptors = self._ask(request, Forked, [its_connection.fileno(), its_stderr])
            with self._lock:
                self._forked += 1
                self._children += 1
            if not descriptors:  # the kernel drops one that this process has no room for
                self.reap(forked.pid)
                raise ChildEnded("the server has no descriptor left for a child")
            ours.pop_all()
            return ForkedProcess(self, forked.pid, descriptors[0], connection, stderr)

    def reap(self, pid: int) -> int:
        """Kill a child if it has not ended; returns its exit status."""
        try:
            return self._ask(ReapChild(pid), Reaped)[0].exit_status
        except ChildEnded:
            # The fork server is gone, and the kernel has killed its children. If this server is
            # process 1 of a container, it has inherited them.
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            return -signal.SIGKILL
        finally:
            with self._lock:
                self._children -= 1
            self._stop_if_idle()

    def stop(self) -> None:
        with self._lock:
            self._connection.close()
            self._wait()
            self._stderr.close()

    def _ask(
        self, request: Message, expected: type[Answer], descriptors: Sequence[int] = ()
    ) -> tuple[Answer, list[int]]:
        """The answer and the descriptors that come with it; raises ChildEnded if there is none."""
        with self._lock:
            if self._connection.fileno() < 0:
                raise ChildEnded("the fork server was stopped")
            self._stderr.begin_request()
            try:
                socket.send_fds(self._connection, [encode(request)], descriptors)
            except OSError as error:
                raise ChildEnded(self._how_it_ended()) from error
            return self._receive(expected)

    def _receive(self, expected: type[Answer]) -> tuple[Answer, list[int]]:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._connection, LONGEST_MESSAGE, 1)
            if not data:
                raise ChildEnded(self._how_it_ended())
            answer = decode(data, expected, Refused)
        except (TimeoutError, ValueError) as error:
            # Somebody has stopped it, for example. It is killed, and its children with it, so that
            # an answer that comes too late is not taken for that of the next request.
            self._process.kill()
            self._process.wait()
            raise ChildEnded("the fork server does not answer") from error
        except OSError as error:
            raise ChildEnded(self._how_it_ended()) from error
        self._stderr.log()
        if isinstance(answer, Refused):
            raise ChildEnded(f"the fork server could not do it: {answer.reason}")
        return answer, descriptors

    def _how_it_ended(self) -> str:
        exit_status = self._wait()
        self._stderr.log()
        return f"the fork server {how_it_ended(exit_status)}"

    def _wait(self) -> int:
        """Its exit status. It ends by itself once its socket is closed."""
        try:
            return self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
