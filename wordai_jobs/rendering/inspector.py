"""Inspects uploads, each in a child of its own: an upload does not wait for books, and a bad upload
does not hold up books.
"""

import logging
import queue
import tempfile
import threading
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter

from wordai_jobs.config import RenderingSettings
from wordai_jobs.errors import Busy, InvalidPdf, StorageFull
from wordai_jobs.model.pdf_info import PdfInfo, bounded
from wordai_jobs.rendering.child_process import ChildProcess
from wordai_jobs.rendering.fork_client import ForkServer
from wordai_jobs.rendering.forked_process import ChildEnded, ForbiddenCall
from wordai_jobs.rendering.metrics import RenderMetrics, Restart
from wordai_jobs.rendering.protocol import (
    DescribePdf,
    Failed,
    Failure,
    InspectPdf,
    PageCount,
    PdfDescribed,
)

# Real PDFs open within milliseconds; one whose cross-reference table must be rebuilt takes up to a
# second for 100 MB.
INSPECT_TIMEOUT_S = 10
# An outline of 5,000 entries takes a tenth of a second. One that takes longer is left out.
_DESCRIBE_TIMEOUT_S = 3
# A child writes no more, unless it was taken over.
_MOST_INFO_BYTES = 16 * 1024 * 1024
# Uploads wait on the threads that also answer polls. So only a few may wait for long; the others
# wait a moment, which is enough behind PDFs that open as they should.
MAX_WAITING = 3
_WAIT_FOR_PLACE_S = 0.5
_BUSY_RETRY_S = 5

_info = TypeAdapter(PdfInfo)

logger = logging.getLogger(__name__)


class Inspector:
    """The child for the next upload, and the permanent thread that drives it."""

    def __init__(
        self,
        settings: RenderingSettings,
        fork_server: ForkServer,
        metrics: RenderMetrics | None = None,
    ) -> None:
        self._metrics = metrics or RenderMetrics()
        self._child = ChildProcess("inspector", settings, fork_server)
        # The end is None. A request without a PDF is for a new child: the fork server was replaced.
        self._requests: queue.SimpleQueue[tuple[Path | None, Future[PdfInfo]] | None]
        self._requests = queue.SimpleQueue()
        fork_server.on_replacement.append(lambda: self._requests.put((None, Future())))
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="inspector", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the child after the PDF that it is working on."""
        if self._thread.ident is not None:
            self._requests.put(None)
            self._thread.join(INSPECT_TIMEOUT_S + _DESCRIBE_TIMEOUT_S + 1)

    def inspect(self, pdf: Path) -> PdfInfo:
        """What the PDF says of itself. It has at least one page.

        Raises InvalidPdf with what is wrong with the PDF, StorageFull, or Busy if too many uploads
        wait or no child can be started.
        """
        if not self._places.acquire(timeout=_WAIT_FOR_PLACE_S):
            raise Busy("Too many uploads at once, try again soon", _BUSY_RETRY_S)
        try:
            future: Future[PdfInfo] = Future()
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
                    if pdf:
                        future.set_result(self._inspect(pdf))
                except Exception as error:
                    # Whatever it is, the request that waits must end.
                    future.set_exception(error)
                self._start_ahead()
        finally:
            self._child.kill()

    def _start_ahead(self) -> None:
        """Start the child of the next upload in the place of the one before: no child opens the
        PDFs of two. If that fails, the upload tries again.
        """
        try:
            self._start_child()
        except Busy:
            pass
        except Exception:
            # Without this thread, uploads would wait for ever.
            logger.exception("the inspector could not be started")

    def _inspect(self, pdf: Path) -> PdfInfo:
        try:
            answer = self._ask(pdf)
        except TimeoutError as error:
            logger.warning("%s took longer than %d s to open", pdf.name, INSPECT_TIMEOUT_S)
            self._metrics.inspector_restarted(_reason(error))
            raise InvalidPdf(f"PDF took longer than {INSPECT_TIMEOUT_S} s to open") from error
        except ChildEnded as error:
            logger.warning("%s crashed the inspector: %s", pdf.name, error)
            self._metrics.inspector_restarted(_reason(error))
            raise InvalidPdf(Failure.DAMAGED.message) from error
        if isinstance(answer, PageCount):
            return self._describe(pdf, answer.page_count)
        if answer.failure is Failure.STORAGE_FULL:
            raise StorageFull
        if answer.failure is Failure.OUT_OF_MEMORY:
            self._metrics.inspector_restarted(Restart.MEMORY)
            raise InvalidPdf("PDF takes more memory to open than is allowed")
        raise InvalidPdf(answer.failure.message)

    def _describe(self, pdf: Path, page_count: int) -> PdfInfo:
        """Only the number of pages if the rest cannot be read: a PDF with a hostile outline has
        pages all the same.
        """
        try:
            with open(pdf, "rb") as content, tempfile.TemporaryFile(dir=pdf.parent) as file:
                self._child.send(DescribePdf(), [content.fileno(), file.fileno()])
                answer = self._child.receive(PdfDescribed, _DESCRIBE_TIMEOUT_S)
                if isinstance(answer, Failed):
                    raise ValueError(answer.failure.message)
                file.seek(0)
                written = file.read(_MOST_INFO_BYTES)
            info = _info.validate_json(written, strict=True)
            return bounded(replace(info, page_count=page_count))
        except (ChildEnded, TimeoutError) as error:
            self._metrics.inspector_restarted(_reason(error))
            problem = str(error)
        except (ValueError, OSError) as error:
            problem = type(error).__name__
        logger.warning("the outline of %s is left out: %s", pdf.name, problem)
        return PdfInfo(page_count)

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
            raise Busy(
                "PDFs cannot be inspected right now, try again soon", _BUSY_RETRY_S
            ) from error


def _reason(error: ChildEnded | TimeoutError) -> Restart:
    if isinstance(error, TimeoutError):
        return Restart.HANG
    return Restart.SANDBOX if isinstance(error, ForbiddenCall) else Restart.CRASH
