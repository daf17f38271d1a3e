"""A rendering child as the server sees it: started, sent requests, waited for, killed."""

import select
import signal
import socket
import time
from array import array
from collections.abc import Callable, Sequence
from typing import TypeVar

from wordai_jobs import linux
from wordai_jobs.config import RenderingSettings
from wordai_jobs.model.page_names import MOST_WORDS_BYTES
from wordai_jobs.rendering.fork_client import ForkServer
from wordai_jobs.rendering.forked_process import (
    START_TIMEOUT_S,
    TICK_S,
    ChildEnded,
    ForbiddenCall,
    ForkedProcess,
    WaitAbandoned,
    how_it_ended,
)
from wordai_jobs.rendering.protocol import (
    LONGEST_MESSAGE,
    DescribePdf,
    Failed,
    ForkChild,
    InspectPdf,
    PageCount,
    PageRendered,
    PdfDescribed,
    Ready,
    RenderPages,
    RenderPlaceholder,
    decode,
    encode,
)

_EXIT_TIMEOUT_S = 1.0
# A PNG that cannot be compressed has three bytes a pixel, a JPEG of noise 2.3. The words of a page,
# and what a PDF says of itself, need room even if images are small.
_MOST_BYTES_OF_A_PIXEL = 4

Request = InspectPdf | DescribePdf | RenderPages | RenderPlaceholder
Answer = TypeVar("Answer", Ready, PageCount, PdfDescribed, PageRendered)


class ChildProcess:
    """A place for one child at a time. Only one thread at a time may use it."""

    def __init__(self, name: str, settings: RenderingSettings, fork_server: ForkServer) -> None:
        self.name = name
        self._settings = settings
        self._fork_server = fork_server
        self._process: ForkedProcess | None = None

    def another(self) -> "ChildProcess":
        """A place for a child of the same kind."""
        return ChildProcess(self.name, self._settings, self._fork_server)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    @property
    def is_outdated(self) -> bool:
        """Whether its fork server was replaced, and waits for it to end."""
        return self._process is not None and self._process.is_outdated

    def start(self, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Start a child in the place of the one before, and wait until it takes requests.

        Raises ChildEnded if it does not start, and WaitAbandoned once `is_wanted` returns False.
        """
        self.kill()
        file_limit_bytes = MOST_WORDS_BYTES + _MOST_BYTES_OF_A_PIXEL * self._settings.max_pixels
        request = ForkChild(self.name, self._settings.memory_limit_mb, file_limit_bytes)
        try:
            self._process = self._fork_server.fork(request, is_wanted)
        except (ChildEnded, OSError) as error:
            raise ChildEnded(f"{self.name} could not be started: {error}") from error
        try:
            self._wait(START_TIMEOUT_S, is_wanted)
            # Once it has read a PDF, it may send any descriptors, so none is taken then.
            connection = self._process.connection
            data, descriptors, flags, _ = socket.recv_fds(connection, LONGEST_MESSAGE, 1)
            self._process.listener = next(iter(descriptors), None)
            if flags & socket.MSG_CTRUNC:
                raise ChildEnded("the server has no descriptor left for a child")
            self._decoded(data, Ready)
        except TimeoutError as error:
            self.kill()
            raise ChildEnded(f"{self.name} was not ready within {START_TIMEOUT_S:.0f} s") from error
        except OSError as error:
            end = self._end()
            self.kill()
            raise end from error
        except Exception:
            self.kill()
            raise

    def send(self, request: Request, descriptors: Sequence[int]) -> None:
        """Raises ChildEnded if the child is gone."""
        assert self._process
        self._process.stderr.begin_request()
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))
        try:
            # A child that leaves its requests unread must not make the server wait. Not with
            # `send_fds`: it ignores flags.
            self._process.connection.sendmsg([encode(request)], [rights], socket.MSG_DONTWAIT)
        except OSError as error:
            raise self._end() from error

    def receive(
        self,
        expected: type[Answer],
        timeout_s: float,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Answer | Failed:
        """Wait for an answer.

        Raises ChildEnded, TimeoutError, or WaitAbandoned once `is_wanted` returns False; after any
        of these, the child must be killed.
        """
        assert self._process
        self._wait(timeout_s, is_wanted)
        try:
            data = self._process.connection.recv(LONGEST_MESSAGE)
        except OSError as error:
            raise self._end() from error
        return self._decoded(data, expected)

    def begin_kill(self) -> None:
        """Have the child end; `kill` waits for that. Does nothing if there is none."""
        if self._process:
            self._process.begin_kill()

    def kill(self) -> None:
        """End the child and wait for that. Does nothing if there is none."""
        process, self._process = self._process, None
        if process:
            process.kill()

    def _wait(self, timeout_s: float, is_wanted: Callable[[], bool]) -> None:
        """Until there is something to receive; raises as `receive` does."""
        assert self._process
        process, connection = self._process, self._process.connection.fileno()
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        poll.register(process.stderr, select.POLLIN)
        if process.listener is not None:
            poll.register(process.listener, select.POLLIN)
        deadline = time.monotonic() + timeout_s
        events: dict[int, int] = {}
        while connection not in events:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError(f"{self.name} did not answer within {timeout_s:.0f} s")
            if not is_wanted():
                raise WaitAbandoned
            events = dict(poll.poll(min(left_s, TICK_S) * 1000))
            if process.stderr.fileno() in events and not process.stderr.log():
                poll.unregister(process.stderr)
            if process.listener in events:
                # Some kernels would wait for ever for a call of a child that has ended
                # (seccomp_unotify(2), Bugs).
                if events[process.listener] & select.POLLIN:
                    self._check_calls(process.listener)
                poll.unregister(process.listener)  # the child has ended

    def _check_calls(self, listener: int) -> None:
        """Raises ForbiddenCall if the child waits for a call that its sandbox forbids."""
        call = linux.notified_call(listener)
        if call:
            raise ForbiddenCall(f"{self.name} called {linux.name_of_call(*call)}")

    def _decoded(self, data: bytes, expected: type[Answer]) -> Answer | Failed:
        if not data:
            raise self._end()
        try:
            return decode(data, expected, Failed)
        except ValueError as error:
            raise ChildEnded(f"{self.name} sent garbage") from error

    def _end(self) -> ChildEnded:
        """How the child ended."""
        assert self._process
        exit_status = self._process.wait(_EXIT_TIMEOUT_S)
        self._process.stderr.log()
        if exit_status is None:
            return ChildEnded(f"{self.name} closed its socket")
        kind = ForbiddenCall if exit_status == -signal.SIGSYS else ChildEnded
        return kind(f"{self.name} {how_it_ended(exit_status)}")
