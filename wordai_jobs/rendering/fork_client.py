"""The fork server as the server sees it: started when it is first needed, replaced when it is gone,
asked for children.
"""

import logging
import threading
from collections.abc import Callable

from wordai_jobs.rendering.fork_server_process import ForkServerProcess
from wordai_jobs.rendering.forked_process import TICK_S, ChildEnded, ForkedProcess, WaitAbandoned
from wordai_jobs.rendering.protocol import ForkChild
from wordai_jobs.rendering.sandbox import Mode

_RENEWAL_PAUSE_S = 10.0

logger = logging.getLogger(__name__)


class ForkServer:
    """Forks children for any thread, one after the other."""

    def __init__(self, sandbox: Mode = "auto") -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._process: ForkServerProcess | None = None
        self._retired: list[ForkServerProcess] = []
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
            self._process = ForkServerProcess.begin(self._sandbox)

    def fork(
        self, request: ForkChild, is_wanted: Callable[[], bool] = lambda: True
    ) -> ForkedProcess:
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
                    return process.fork(request)
                except ChildEnded as error:
                    if process.is_running:
                        raise
                    logger.warning("%s; starting another", error)
                    self._process = None
                    process.stop()
            if self._stopped.is_set():
                raise ChildEnded("the fork server was stopped")
            process = self._process = ForkServerProcess.start(self._sandbox, is_wanted)
            return process.fork(request)
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
                new = ForkServerProcess.start(self._sandbox, lambda: not self._stopped.is_set())
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
