"""A child's process as the server sees it, and how it may end."""

import os
import select
import signal
import socket
from contextlib import suppress
from typing import Protocol

from wordai_jobs import linux
from wordai_jobs.rendering.child_stderr import ChildStderr

# How long the fork server or a child may take to start; generous, for machines that swap.
START_TIMEOUT_S = 30.0
# How often a wait checks whether its result is still wanted. A cancelled page is given up within
# this time.
TICK_S = 0.1


class ChildEnded(Exception):
    """There is no child: it crashed, was killed, sent garbage, or could not be started. The message
    says which, for the log.
    """


class ForbiddenCall(ChildEnded):
    """The child made a system call that its sandbox forbids. It must be killed."""


class WaitAbandoned(Exception):
    """Nobody wants the result any more. A child that works on it must be killed."""


class Parent(Protocol):
    """The process that has forked a child."""

    is_retired: bool

    def reap(self, pid: int) -> int:
        """Kill a child if it has not ended; returns its exit status."""


class ForkedProcess:
    """A child's process, with the server's ends of its socket and of its standard error. Only one
    thread at a time may use it.
    """

    def __init__(
        self,
        parent: Parent,
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
        return self._exit_status is None and not can_be_read(self._pidfd, 0)

    @property
    def is_outdated(self) -> bool:
        """Whether another process has replaced the one that it was forked from."""
        return self._parent.is_retired

    def wait(self, timeout_s: float) -> int | None:
        """The exit status, as in `subprocess`; None if the child has not ended by then."""
        if self._exit_status is None and can_be_read(self._pidfd, timeout_s):
            self._reap()
        return self._exit_status

    def begin_kill(self) -> None:
        """Have the child end; `kill` waits for that."""
        if self._exit_status is None:
            with suppress(ProcessLookupError):  # it has ended with its parent
                linux.pidfd_kill(self._pidfd)

    def kill(self) -> None:
        """End the child and wait for that, however long the disk keeps it: it writes nothing more
        once this returns.
        """
        self.begin_kill()
        if self._exit_status is None:
            can_be_read(self._pidfd, None)
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


def can_be_read(descriptor: int, timeout_s: float | None) -> bool:
    """Wait until there is something to read; returns False after `timeout_s`, never if that is
    None.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))
