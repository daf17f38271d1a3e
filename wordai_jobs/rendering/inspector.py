"""Counts the pages of uploads, each in a child of its own: an upload does not wait for books, and a
bad upload does not hold up books.
"""

import logging
import queue
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import IO

from wordai_jobs.errors import Busy, InvalidPdf, StorageFull
from wordai_jobs.rendering.child_process import ChildProcess
from wordai_jobs.rendering.fork_client import ChildEnded, ForbiddenCall, ForkServer
from wordai_jobs.rendering.metrics import RenderMetrics, Restart
from wordai_jobs.rendering.protocol import Failed, Failure, InspectPdf, PageCount

# Real PDFs open within milliseconds; one whose cross-reference table must be rebuilt takes up to a
# second for 100 MB.
INSPECT_TIMEOUT_S = 10
# Uploads wait on the threads that also answer polls. So only a few may wait for long; the others
# wait a moment, which is enough behind PDFs that open as they should.
MAX_WAITING = 3
_WAIT_FOR_PLACE_S = 0.5
_BUSY_RETRY_S = 5

logger = logging.getLogger(__name__)


class Inspector:
    """The child for the next upload, and the permanent thread that drives it."""

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
        """End the child after the PDF that it is working on."""
        if self._thread.ident is not None:
            self._requests.put(None)
            self._thread.join(INSPECT_TIMEOUT_S + 1)

    def page_count(self, pdf: Path) -> int:
        """The number of pages, at least 1.

        Raises InvalidPdf with what is wrong with the PDF, StorageFull, or Busy if too many uploads
        wait or no child can be started.
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
                    # Whatever it is, the request that waits must end.
                    future.set_exception(error)
                # No child opens the PDFs of two uploads.
                self._child.kill()
                self._start_ahead()
        finally:
            self._child.kill()

    def _start_ahead(self) -> None:
        """Start the child of the next upload. If that fails, the upload tries again."""
        try:
            self._start_child()
        except Busy:
            pass
        except Exception:
            # Without this thread, uploads would wait for ever.
            logger.exception("the inspector could not be started")

    def _inspect(self, pdf: Path) -> int:
        try:
            answer = self._ask(pdf)
        except TimeoutError as error:
            logger.warning("%s took longer than %d s to open", pdf.name, INSPECT_TIMEOUT_S)
            self._metrics.inspector_restarted(Restart.HANG)
            raise InvalidPdf(f"PDF took longer than {INSPECT_TIMEOUT_S} s to open") from error
        except ChildEnded as error:
            logger.warning("%s crashed the inspector: %s", pdf.name, error)
            is_forbidden = isinstance(error, ForbiddenCall)
            self._metrics.inspector_restarted(Restart.SANDBOX if is_forbidden else Restart.CRASH)
            raise InvalidPdf(Failure.DAMAGED.message) from error
        if isinstance(answer, PageCount):
            return answer.page_count
        if answer.failure is Failure.STORAGE_FULL:
            raise StorageFull
        if answer.failure is Failure.OUT_OF_MEMORY:
            self._metrics.inspector_restarted(Restart.MEMORY)
            raise InvalidPdf("PDF takes more memory to open than is allowed")
        raise InvalidPdf(answer.failure.message)

    def _ask(self, pdf: Path) -> PageCount | Failed:
        """Ask the child, and if that is gone a new one: it need not have been this PDF's fault."""
        with open(pdf, "rb") as content:
            if self._child.is_running:
                try:
                    return self._answer(content)
                except ForbiddenCall:
                    raise
                except ChildEnded as error:
                    logger.info("%s; trying again in a new one", error)
                    self._metrics.inspector_restarted(Restart.LOST)
            self._start_child()
            return self._answer(content)

    def _answer(self, content: IO[bytes]) -> PageCount | Failed:
        self._child.send(InspectPdf(), [content.fileno()])
        return self._child.receive(PageCount, INSPECT_TIMEOUT_S)

    def _start_child(self) -> None:
        """Raises Busy if the child does not start, which says nothing about a PDF."""
        try:
            self._child.start()
        except ChildEnded as error:
            logger.error("%s", error)
            self._metrics.inspector_restarted(Restart.START)
            raise Busy("PDFs cannot be looked at now, try again soon", _BUSY_RETRY_S) from error
