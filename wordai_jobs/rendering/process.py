"""One child process as the server sees it: start it, send it a request, wait for its answers, kill it."""

import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wordai_jobs.rendering.mutter import Mutter

START_TIMEOUT_S = 30.0
_EXIT_TIMEOUT_S = 1.0
# How often a wait looks whether it is still wanted; a cancelled page is given up within this time.
_TICK_S = 0.1
_LONGEST_ANSWER = 65536
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]

logger = logging.getLogger(__name__)


class ChildEnded(Exception):
    """The child is gone: crashed, killed from outside, or never started. The message says how, for the log."""


class ChildTimedOut(Exception):
    """The child did not answer in time. It is still there, and must be killed."""


class WaitAbandoned(Exception):
    """Nobody wants the answer any more. The child is still working on it, and must be killed."""


class ChildProcess:
    """A rendering child. To be used from one thread only, and that thread must stay: the child dies with it."""

    def __init__(self, name: str, memory_limit_mb: int) -> None:
        self._name = name
        self._memory_limit_mb = memory_limit_mb
        self._process: subprocess.Popen[bytes] | None = None
        self._mutter: Mutter | None = None
        self._received = b""
        self.requests = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Start the child and wait until its libraries are loaded.

        Raises ChildEnded where it does not come up, or WaitAbandoned once `is_wanted` says no.
        """
        self.kill()
        command = [sys.executable, "-m", "wordai_jobs.rendering.child", str(os.getpid()), str(self._memory_limit_mb)]
        try:
            # A session of its own: Ctrl-C in the terminal is for the server, which ends its children in order.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment(),
                start_new_session=True)
        except OSError as error:
            raise ChildEnded(f"{self._name} could not be started: {error}") from error
        assert self._process.stderr
        self._mutter = Mutter(self._name, self._process.stderr)
        self._received = b""
        self.requests = 0
        try:
            self.receive(START_TIMEOUT_S, is_wanted)
        except ChildTimedOut as error:
            self.kill()
            raise ChildEnded(f"{self._name} was not ready within {START_TIMEOUT_S:.0f} s") from error

    def send(self, request: dict[str, Any]) -> None:
        """Send a request; raises ChildEnded where nobody is there to take it."""
        assert self._process and self._process.stdin and self._mutter
        self.requests += 1
        self._mutter.begin_request()
        try:
            self._process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise ChildEnded(self._how_it_ended()) from error

    def receive(self, timeout_s: float, is_wanted: Callable[[], bool] = lambda: True) -> dict[str, Any]:
        """The next answer; raises ChildTimedOut, ChildEnded, or WaitAbandoned once `is_wanted` says no."""
        deadline = time.monotonic() + timeout_s
        poll = self._poll()
        while b"\n" not in self._received:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise ChildTimedOut
            if not is_wanted():
                raise WaitAbandoned
            for descriptor, _ in poll.poll(min(left_s, _TICK_S) * 1000):
                self._read(descriptor, poll)
        line, _, self._received = self._received.partition(b"\n")
        return self._parsed(line)

    def kill(self) -> None:
        """End the child at once, and whatever it started; nothing happens where it is gone already."""
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # ended and reaped by poll()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            _close(pipe)
        self._process = None

    def _poll(self) -> select.poll:
        assert self._process and self._process.stdout and self._mutter
        poll = select.poll()
        poll.register(self._process.stdout, select.POLLIN)
        poll.register(self._mutter, select.POLLIN)
        return poll

    def _read(self, descriptor: int, poll: select.poll) -> None:
        """What has come from the child: words for the log, or a part of an answer."""
        assert self._mutter
        if descriptor == self._mutter.fileno():
            if not self._mutter.log():
                poll.unregister(descriptor)
            return
        block = os.read(descriptor, 65536)
        if not block:
            raise ChildEnded(self._how_it_ended())
        self._received += block
        if len(self._received) > _LONGEST_ANSWER:
            raise ChildEnded(f"{self._name} sent garbage")

    def _parsed(self, line: bytes) -> dict[str, Any]:
        """The answer in a line. A child that a hostile PDF has taken over may send anything."""
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ChildEnded(f"{self._name} sent garbage") from error
        if not isinstance(answer, dict):
            raise ChildEnded(f"{self._name} sent garbage")
        return answer

    def _how_it_ended(self) -> str:
        assert self._process and self._mutter
        try:
            code = self._process.wait(_EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return f"{self._name} closed its output"
        finally:
            self._mutter.log()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        return f"{self._name} {how}"


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:
        pass  # what was still to be written has nobody to read it


def _environment() -> dict[str, str]:
    """Only what Python needs: a child that a hostile PDF has taken over should find no secret in its environment."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONPATH": str(_PACKAGE_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
