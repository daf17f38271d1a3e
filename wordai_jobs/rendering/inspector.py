"""Counts the pages of uploads, in a child of its own: an upload does not wait for books, nor books
for a bad upload.
"""

import logging
import queue
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from wordai_jobs.errors import Busy, InvalidPdf, StorageFull
from wordai_jobs.metrics.rendering import RenderMetrics, Restart
from wordai_jobs.rendering.forks import ForkServer
from wordai_jobs.rendering.options import Failure
from wordai_jobs.rendering.process import ChildEnded, ChildProcess, ChildTimedOut

# Real PDFs open within milliseconds; one whose cross-reference table must be rebuilt takes up to a
# second for 100 MB.
INSPECT_TIMEOUT_S = 10
# Requests wait for their turn on the threads that also answer polls, so only a few may wait for
# long, and the others only for a moment: behind PDFs that open as they should, that is enough.
MAX_WAITING = 3
_WAIT_FOR_PLACE_S = 0.5
_BUSY_RETRY_S = 5

logger = logging.getLogger(__name__)


class Inspector:
    """A child that opens PDFs, one after the other, driven by a permanent thread."""

    def __init__(
        self, memory_limit_mb: int, fork_server: ForkServer, metrics: RenderMetrics | None = None
    ) -> None:
        self._metrics = metrics or RenderMetrics()
        self._child = ChildProcess("inspector", memory_limit_mb, fork_server)
        self._requests: queue.SimpleQueue[tuple[Path, Future[int]] | None] = queue.SimpleQueue()
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="inspector", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the child after the PDF it is at."""
        if self._thread.ident is not None:
            self._requests.put(None)
            self._thread.join(INSPECT_TIMEOUT_S + 1)

    def page_count(self, pdf: Path) -> int:
        """How many pages the PDF has, at least 1.

        Raises InvalidPdf with what is wrong with it, StorageFull, or Busy where too many uploads
        wait to be looked at, or no child can be had for it.
        """
        if not self._places.acquire(timeout=_WAIT_FOR_PLACE_S):
            raise Busy("Too many uploads at once, try again soon", _BUSY_RETRY_S)
        try:
            future: Future[int] = Future()
            self._requests.put((pdf, future))
            return future.result()
        finally:
            self._places.release()

    def _run(self) -> None:
        try:
            self._start_ahead()
            while request := self._requests.get():
                pdf, future = request
                try:
                    future.set_result(self._inspect(pdf))
                except Exception as error:
                    # Whatever it was belongs to the request that waits, and must end its wait.
                    future.set_exception(error)
        finally:
            self._child.kill()

    def _start_ahead(self) -> None:
        """Have a child ready for the first upload."""
        try:
            self._start_child()
        except Busy:
            pass  # it is tried again for the upload
        except Exception:
            # This thread outlives whatever it meets: without it, uploads would wait for ever.
            logger.exception("the inspector could not be started")

    def _start_child(self) -> None:
        """Raises Busy where it does not come up: that says nothing about a PDF."""
        try:
            self._child.start()
        except ChildEnded as error:
            logger.error("%s", error)
            self._metrics.inspector_restarted(Restart.START)
            raise Busy("PDFs cannot be looked at now, try again soon", _BUSY_RETRY_S) from error

    def _inspect(self, pdf: Path) -> int:
        try:
            answer = self._ask(pdf)
        except ChildTimedOut as error:
            logger.warning("%s took longer than %d s to open", pdf.name, INSPECT_TIMEOUT_S)
            self._metrics.inspector_restarted(Restart.HANG)
            self._child.kill()
            raise InvalidPdf(f"PDF took longer than {INSPECT_TIMEOUT_S} s to open") from error
        except ChildEnded as error:
            logger.warning("%s crashed the inspector: %s", pdf.name, error)
            self._child.kill()
            self._metrics.inspector_restarted(Restart.CRASH)
            raise InvalidPdf(Failure.DAMAGED.words) from error
        if "failure" not in answer:
            return int(answer["page_count"])
        failure = Failure(answer["failure"])
        if failure is Failure.STORAGE_FULL:
            raise StorageFull
        if failure is Failure.OUT_OF_MEMORY:
            self._metrics.inspector_restarted(Restart.MEMORY)
            self._child.kill()
            raise InvalidPdf("PDF takes more memory to open than is allowed")
        raise InvalidPdf(failure.words)

    def _ask(self, pdf: Path) -> dict[str, Any]:
        """The child's answer; asked again in a new child where an old one was gone, which need not
        be this PDF's doing.
        """
        request = {"op": "inspect", "pdf": str(pdf)}
        if self._child.is_running:
            try:
                return self._answer(request)
            except ChildEnded as error:
                logger.info("%s; trying again in a new one", error)
                self._metrics.inspector_restarted(Restart.LOST)
        self._start_child()
        return self._answer(request)

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        self._child.send(request)
        answer = self._child.receive(INSPECT_TIMEOUT_S)
        if isinstance(answer.get("page_count"), int) or answer.get("failure") in list(Failure):
            return answer
        raise ChildEnded("the inspector sent garbage")
