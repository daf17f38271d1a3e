"""The fork server as the server sees it: started when it is first needed, replaced when it is gone,
asked for children.
"""

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
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeVar

from wordai_jobs import linux
from wordai_jobs.rendering.child_stderr import ChildStderr
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

# How long the fork server or a child may take to start; generous, for machines that swap.
START_TIMEOUT_S = 30.0
# A fork takes up to 10 ms.
_ANSWER_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 5.0
# All children of one process have its layout of memory, so it is replaced after this many children,
# or after this time.
_MOST_CHILDREN = 500
_LONGEST_LIFE_S = 3600.0
_RENEWAL_PAUSE_S = 10.0
# How often a wait checks whether its result is still wanted. A cancelled page is given up within
# this time.
TICK_S = 0.1
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

logger = logging.getLogger(__name__)


class ChildEnded(Exception):
    """There is no child: it crashed, was killed, sent garbage, or could not be started. The message
    says which, for the log.
    """


class ForbiddenCall(ChildEnded):
    """The child made a system call that its sandbox forbids. It must be killed."""


class WaitAbandoned(Exception):
    """Nobody wants the result any more. A child that works on it must be killed."""


class ForkServer:
    """Forks children for any thread, one after the other."""

    def __init__(self, sandbox: Mode = "auto") -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._process: _ForkServerProcess | None = None
        self._retired: list[_ForkServerProcess] = []
        # Called after a process was replaced, on a thread of this class.
        self.on_replacement: list[Callable[[], None]] = []
        self._is_worn = threading.Event()
        self._stopped = threading.Event()
        # A permanent thread: the kernel ends the process with the thread that has started it.
        self._renewal = threading.Thread(target=self._renew, name="fork server", daemon=True)

    def begin(self) -> None:
        """Begin to start the process, on a permanent thread; returns at once. Otherwise the first
        child does.
        """
        with self._lock:
            self._process = _ForkServerProcess.begin(self._sandbox)

    def fork(
        self, name: str, memory_limit_mb: int, is_wanted: Callable[[], bool] = lambda: True
    ) -> "ForkedProcess":
        """Start a child.

        Raises ChildEnded or OSError if that is not possible, and WaitAbandoned once `is_wanted`
        returns False.
        """
        while not self._lock.acquire(timeout=TICK_S):
            if not is_wanted():
                raise WaitAbandoned
        try:
            process = self._process
            if process:
                try:
                    process.wait_until_ready(is_wanted)
                    return process.fork(name, memory_limit_mb)
                except ChildEnded as error:
                    if process.is_running:
                        raise
                    logger.warning("%s; starting another", error)
                    self._process = None
                    process.stop()
            if self._stopped.is_set():
                raise ChildEnded("the fork server was stopped")
            process = self._process = _ForkServerProcess.start(self._sandbox, is_wanted)
            return process.fork(name, memory_limit_mb)
        finally:
            if self._process and self._process.is_worn:
                self._is_worn.set()
                if self._renewal.ident is None:
                    self._renewal.start()
            self._lock.release()

    def stop(self) -> None:
        """End the fork server, and with it every child. None can be started from now on."""
        self._stopped.set()
        self._is_worn.set()
        if self._renewal.ident is not None:
            self._renewal.join()
        process, self._process = self._process, None
        for each in (process, *self._retired):
            if each:
                each.stop()

    def _renew(self) -> None:
        """Replace a process that is worn, while children are forked from it."""
        while self._is_worn.wait() and not self._stopped.is_set():
            try:
                new = _ForkServerProcess.start(self._sandbox, lambda: not self._stopped.is_set())
            except (ChildEnded, OSError, WaitAbandoned) as error:
                logger.warning("the fork server could not be replaced: %s", error)
                self._stopped.wait(_RENEWAL_PAUSE_S)
                continue
            with self._lock:
                old, self._process = self._process, new
                self._is_worn.clear()
            self._retired = [each for each in self._retired if each.is_running]
            if old:
                self._retired.append(old)
                old.retire()
            for notify in self.on_replacement:
                notify()


class _ForkServerProcess:
    """One process of the fork server. The children that it has forked end with it."""

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
    def start(cls, sandbox: Mode, is_wanted: Callable[[], bool]) -> "_ForkServerProcess":
        """Start a process and wait until it has loaded its libraries; raises as `ForkServer.fork`
        does.
        """
        started = cls.begin(sandbox)
        started.wait_until_ready(is_wanted)
        return started

    @classmethod
    def begin(cls, sandbox: Mode) -> "_ForkServerProcess":
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
            while not _can_be_read(self._connection.fileno(), TICK_S):
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

    def fork(self, name: str, memory_limit_mb: int) -> "ForkedProcess":
        with ExitStack() as ours, ExitStack() as theirs:
            connection, its_connection = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.enter_context(connection)
            theirs.enter_context(its_connection)
            reading, its_stderr = os.pipe()
            stderr = ChildStderr(name, open(reading, "rb", buffering=0))
            ours.callback(stderr.close)
            theirs.callback(os.close, its_stderr)
            forked, descriptors = self._ask(
                ForkChild(name, memory_limit_mb), Forked, [its_connection.fileno(), its_stderr]
            )
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


class ForkedProcess:
    """A child's process, with the server's ends of its socket and of its standard error. Only one
    thread at a time may use it.
    """

    def __init__(
        self,
        parent: _ForkServerProcess,
        pid: int,
        pidfd: int,
        connection: socket.socket,
        stderr: ChildStderr,
    ) -> None:
        self.connection = connection
        self.stderr = stderr
        self.listener: int | None = None  # tells of calls that the child's sandbox forbids
        self._parent = parent
        self._pid = pid
        self._pidfd = pidfd
        self._exit_status: int | None = None

    @property
    def is_running(self) -> bool:
        # A pidfd can be read once its process has ended.
        return self._exit_status is None and not _can_be_read(self._pidfd, 0)

    @property
    def is_outdated(self) -> bool:
        """Whether another process has replaced the one that it was forked from."""
        return self._parent.is_retired

    def wait(self, timeout_s: float) -> int | None:
        """The exit status, as in `subprocess`; None if the child has not ended by then."""
        if self._exit_status is None and _can_be_read(self._pidfd, timeout_s):
            self._reap()
        return self._exit_status

    def kill(self) -> None:
        """End the child and wait for that, however long the disk keeps it: it writes nothing more
        once this returns.
        """
        if self._exit_status is None:
            with suppress(ProcessLookupError):  # it has ended with its parent
                linux.pidfd_kill(self._pidfd)
            _can_be_read(self._pidfd, None)
            self._reap()
        self.connection.close()
        self.stderr.close()
        if self.listener is not None:
            os.close(self.listener)  # not before: the child's forbidden call would go on

    def _reap(self) -> None:
        self._exit_status = self._parent.reap(self._pid)
        os.close(self._pidfd)


def how_it_ended(exit_status: int) -> str:
    """A text for the log, such as `was ended by SIGKILL`."""
    if exit_status >= 0:
        return f"exited with {exit_status}"
    try:
        return f"was ended by {signal.Signals(-exit_status).name}"
    except ValueError:  # a real-time signal
        return f"was ended by signal {-exit_status}"


def _can_be_read(descriptor: int, timeout_s: float | None) -> bool:
    """Wait until there is something to read; returns False after `timeout_s`, never if that is
    None.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))
