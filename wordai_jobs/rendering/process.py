"""One child process as the server sees it: start it, send it a request, wait for its answers, kill
it.
"""

import json
import os
import select
import time
from collections.abc import Callable
from typing import IO, Any

from wordai_jobs.rendering.forks import (
    START_TIMEOUT_S,
    TICK_S,
    Fork,
    ForkFailed,
    ForkServer,
    WaitAbandoned,
    how_it_ended,
)
from wordai_jobs.rendering.mutter import Mutter

_EXIT_TIMEOUT_S = 1.0
_LONGEST_ANSWER = 65536


class ChildEnded(Exception):
    """The child is gone: crashed, killed from outside, or never started. The message says how, for
    the log.
    """


class ChildTimedOut(Exception):
    """The child did not answer in time. It is still there, and must be killed."""


class ChildProcess:
    """A rendering child. To be used from one thread only."""

    def __init__(self, name: str, memory_limit_mb: int, fork_server: ForkServer) -> None:
        self.name = name
        self._memory_limit_mb = memory_limit_mb
        self._fork_server = fork_server
        self._fork: Fork | None = None
        self._pipes: _Pipes | None = None
        self._received = b""
        self.requests = 0

    @property
    def is_running(self) -> bool:
        return self._fork is not None and self._fork.is_running

    def start(self, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Start the child and wait until it can take requests.

        Raises ChildEnded where it does not come up, or WaitAbandoned once `is_wanted` says no.
        """
        self.kill()
        try:
            self._start(is_wanted)
        except Exception:
            self.kill()
            raise

    def _start(self, is_wanted: Callable[[], bool]) -> None:
        self._received = b""
        self.requests = 0
        self._pipes = self._new_pipes()
        try:
            self._fork = self._fork_server.fork(
                self.name, self._memory_limit_mb, self._pipes.of_child, is_wanted
            )
        except ForkFailed as error:
            raise ChildEnded(f"{self.name} could not be started: {error}") from error
        finally:
            self._pipes.close_those_of_child()
        try:
            self.receive(START_TIMEOUT_S, is_wanted)
        except ChildTimedOut as error:
            raise ChildEnded(f"{self.name} was not ready within {START_TIMEOUT_S:.0f} s") from error

    def send(self, request: dict[str, Any]) -> None:
        """Send a request; raises ChildEnded where nobody is there to take it."""
        assert self._pipes
        self.requests += 1
        self._pipes.mutter.begin_request()
        try:
            self._pipes.requests.write(json.dumps(request).encode("ascii") + b"\n")
        except OSError as error:
            raise ChildEnded(self._how_it_ended()) from error

    def receive(
        self, timeout_s: float, is_wanted: Callable[[], bool] = lambda: True
    ) -> dict[str, Any]:
        """The next answer; raises ChildTimedOut, ChildEnded, or WaitAbandoned once `is_wanted` says
        no.
        """
        deadline = time.monotonic() + timeout_s
        poll = self._poll()
        while b"\n" not in self._received:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise ChildTimedOut
            if not is_wanted():
                raise WaitAbandoned
            for descriptor, _ in poll.poll(min(left_s, TICK_S) * 1000):
                self._read(descriptor, poll)
        line, _, self._received = self._received.partition(b"\n")
        return self._parsed(line)

    def kill(self) -> None:
        """End the child and wait for that; nothing happens where it is gone already."""
        if self._fork:
            self._fork.kill()
            self._fork = None
        if self._pipes:
            self._pipes.close()
            self._pipes = None

    def _new_pipes(self) -> "_Pipes":
        try:
            return _Pipes(self.name)
        except OSError as error:
            raise ChildEnded(f"{self.name} could not be started: {error}") from error

    def _poll(self) -> select.poll:
        assert self._pipes
        poll = select.poll()
        poll.register(self._pipes.answers, select.POLLIN)
        poll.register(self._pipes.mutter, select.POLLIN)
        return poll

    def _read(self, descriptor: int, poll: select.poll) -> None:
        """What has come from the child: words for the log, or a part of an answer."""
        assert self._pipes
        if descriptor == self._pipes.mutter.fileno():
            if not self._pipes.mutter.log():
                poll.unregister(descriptor)
            return
        block = os.read(descriptor, 65536)
        if not block:
            raise ChildEnded(self._how_it_ended())
        self._received += block
        if len(self._received) > _LONGEST_ANSWER:
            raise ChildEnded(f"{self.name} sent garbage")

    def _parsed(self, line: bytes) -> dict[str, Any]:
        """The answer in a line. A child that a hostile PDF has taken over may send anything."""
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ChildEnded(f"{self.name} sent garbage") from error
        if not isinstance(answer, dict):
            raise ChildEnded(f"{self.name} sent garbage")
        return answer

    def _how_it_ended(self) -> str:
        assert self._fork and self._pipes
        code = self._fork.wait(_EXIT_TIMEOUT_S)
        self._pipes.mutter.log()
        return f"{self.name} {'closed its output' if code is None else how_it_ended(code)}"


class _Pipes:
    """The three to and from a child: requests, answers, and what it says besides."""

    def __init__(self, name: str) -> None:
        its_input, requests, answers, its_output, words, its_error = _three_pipes()
        self.of_child = (its_input, its_output, its_error)
        self.requests: IO[bytes] = open(requests, "wb", buffering=0)
        self.answers: IO[bytes] = open(answers, "rb", buffering=0)
        self._words: IO[bytes] = open(words, "rb", buffering=0)
        self.mutter = Mutter(name, self._words)

    def close_those_of_child(self) -> None:
        """Once the child has them, so that its end is the end of the pipes."""
        for descriptor in self.of_child:
            os.close(descriptor)

    def close(self) -> None:
        for pipe in (self.requests, self.answers, self._words):
            pipe.close()


def _three_pipes() -> list[int]:
    """Their descriptors, each pipe's end for reading before its end for writing; all or none."""
    ends: list[int] = []
    try:
        for _ in range(3):
            ends.extend(os.pipe())
    except OSError:
        for end in ends:
            os.close(end)
        raise
    return ends
