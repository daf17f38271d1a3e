"""A thread that has children render pages, and decides what a failure means for page and job."""

import logging
import threading
import time
from dataclasses import replace

from wordai_jobs import logs
from wordai_jobs.config import RenderingSettings
from wordai_jobs.errors import FULL_DISK
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.job import ErrorClass
from wordai_jobs.rendering.child_process import ChildProcess
from wordai_jobs.rendering.forked_process import ChildEnded, ForbiddenCall, WaitAbandoned
from wordai_jobs.rendering.metrics import RenderMetrics, Restart
from wordai_jobs.rendering.page_files import name_image, opened
from wordai_jobs.rendering.protocol import (
    Failed,
    Failure,
    PageRendered,
    RenderOptions,
    RenderPages,
    RenderPlaceholder,
)
from wordai_jobs.rendering.task import Chunk, FolderGone, Part, RenderingError, RenderTask
from wordai_jobs.rendering.turns import Turns, WaitingChildren

_RESTART_PAUSE_S = 1.0

logger = logging.getLogger(__name__)


def render_options(settings: RenderingSettings) -> RenderOptions:
    return RenderOptions(settings.dpi, settings.format, settings.jpeg_quality, settings.max_pixels)


class RenderThread:
    """A thread that hands chunks to children, and the new child that it keeps for the next book."""

    def __init__(
        self,
        new_child: ChildProcess,
        turns: Turns,
        waiting: WaitingChildren,
        settings: RenderingSettings,
        metrics: RenderMetrics,
    ) -> None:
        self._new_child = new_child
        self._turns = turns
        self._waiting = waiting
        self._options = render_options(settings)
        self._page_timeout_s = settings.page_timeout_s
        self._metrics = metrics
        self._thread = threading.Thread(target=self._run, name=new_child.name, daemon=True)
        self.is_ready = False

    def start(self) -> None:
        self._thread.start()

    def join(self, deadline: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(max(deadline - time.monotonic(), 0))

    def _run(self) -> None:
        try:
            self._start_child()
            while not self._turns.is_closed:
                work = self._turns.take(may_wait=lambda: not self._new_child.is_outdated)
                if work:
                    task, chunk = work
                    with logs.about_job(task.job_id):
                        self._work(task, chunk)
                # Only now: nobody waits for it, while the book before waited for its first page.
                if not self._new_child.is_running or self._new_child.is_outdated:
                    self._start_child()
        finally:
            self._new_child.kill()

    def _work(self, task: RenderTask, chunk: Chunk) -> None:
        """Have a chunk rendered, and give it back. Its child waits for the next one, or is killed
        if it cannot be used again.
        """
        child = restart = None
        try:
            child = self._child_for(task, chunk)
            if child:
                restart = self._render(child, task, chunk)
        except Exception:
            self._failed_unexpectedly(task, chunk)
            restart = Restart.CRASH
        try:
            if child and restart:
                # It must not write into a folder that is about to be removed.
                child.kill()
            elif child:
                self._waiting.add(task.folder, child)
        except Exception:
            self._failed_unexpectedly(task, chunk)
        finally:
            # A cancelled job waits until its pages are given back.
            task.give_back()
            self._turns.wake()
        if restart:
            self._metrics.renderer_restarted(restart)

    def _failed_unexpectedly(self, task: RenderTask, chunk: Chunk) -> None:
        """Fail the book, and go on: without this thread, other books would wait for ever."""
        logger.exception("pages %s of %s met an unexpected error", chunk.pages, task.part.pdf.name)
        task.fail(RenderingError("Internal error", ErrorClass.OTHER))

    def _child_for(self, task: RenderTask, chunk: Chunk) -> ChildProcess | None:
        """A child that has this book open, or a new one; None if the task ends before one is
        running. A page that has ended a child before gets one that is started now: those that wait
        may be about to end for the same reason, such as the end of the fork server.
        """
        while not chunk.is_retry and (child := self._waiting.take(task.folder)):
            if child.is_running:
                return child
            child.kill()
            self._metrics.renderer_restarted(Restart.LOST)
        is_running = self._new_child.is_running
        if not is_running:
            self._metrics.renderer_restarted(Restart.LOST)
        if (chunk.is_retry or not is_running) and not self._start_child(task):
            return None
        child, self._new_child = self._new_child, self._new_child.another()
        return child

    def _render(self, child: ChildProcess, task: RenderTask, chunk: Chunk) -> Restart | None:
        """Have a chunk rendered. Returns why the child cannot be used again; None if it can."""
        page = chunk.pages[0]
        since = time.monotonic()
        try:
            with open(task.part.pdf, "rb") as pdf, opened(task.folder, chunk.pages) as files:
                child.send(self._request(task.part, chunk), [pdf.fileno(), *files])
            for page in chunk.pages:
                answer = child.receive(
                    PageRendered, self._page_timeout_s, lambda: self._is_wanted(task)
                )
                if isinstance(answer, Failed):
                    return self._page_failed(task, chunk, page, answer.failure)
                name_image(task.folder, page, answer.ending)
                now = time.monotonic()
                took_s, since = now - since, now
                self._metrics.page_rendered(took_s)
                task.page_done(Page(page, answer.width, answer.height, chunk.problem), took_s)
            return None
        except ChildEnded as error:
            logger.warning("%s on page %d of %s", error, page, task.part.pdf.name)
            # It may only have sent garbage, and another child is about to write the same files.
            child.kill()
            crashed = RenderingError(f"Page {page} crashed the renderer", ErrorClass.RENDERER_CRASH)
            task.page_failed(chunk, page, crashed)
            return Restart.SANDBOX if isinstance(error, ForbiddenCall) else Restart.CRASH
        except TimeoutError:
            timeout_s = self._page_timeout_s
            logger.warning(
                "page %d of %s took longer than %d s", page, task.part.pdf.name, timeout_s
            )
            child.kill()  # as above
            message = f"Page {page} took longer than {timeout_s} s"
            too_long = RenderingError(message, ErrorClass.PAGE_TIMEOUT)
            task.page_failed(chunk, page, too_long, is_certain=True)
            return Restart.HANG
        except WaitAbandoned:
            logger.info("page %d of %s is not wanted any more", page, task.part.pdf.name)
            return Restart.CANCELLED
        except OSError as error:
            if not task.folder.exists():
                # In a fleet, another task has ended the job.
                name = task.part.pdf.name
                logger.info(
                    "page %d of %s is not wanted any more: its folder was removed", page, name
                )
                task.fail(FolderGone())
                return Restart.CANCELLED
            if error.errno not in FULL_DISK:
                raise
            task.fail(_as_error(Failure.STORAGE_FULL))
            return Restart.CANCELLED

    def _request(self, part: Part, chunk: Chunk) -> RenderPages | RenderPlaceholder:
        options = replace(self._options, dpi=part.dpi) if part.dpi else self._options
        if chunk.problem is None:
            pages = tuple(map(part.in_pdf, chunk.pages))
            last_page = part.in_pdf(part.page_count)
            return RenderPages(pages, options, part.first_page, last_page)
        [page] = chunk.pages
        # If a child ended while it read the size of the page, the next one is not to look at it.
        return RenderPlaceholder(part.in_pdf(page), chunk.problem, not chunk.is_retry, options)

    def _page_failed(
        self, task: RenderTask, chunk: Chunk, page: int, failure: Failure
    ) -> Restart | None:
        """A child says that it cannot render a page. Returns as `_render` does."""
        error = _as_error(failure)
        if failure is Failure.OUT_OF_MEMORY:
            # Earlier pages may have used up the memory, so this one is tried in a new child.
            task.page_failed(chunk, page, error)
            return Restart.MEMORY
        if failure is Failure.BAD_PAGE:
            message = f"Page {page} is damaged and cannot be rendered"
            error = RenderingError(message, failure.error_class)
            task.page_failed(chunk, page, error, is_certain=True)
        else:  # not the page's own
            task.fail(error)
        return None

    def _start_child(self, task: RenderTask | None = None) -> bool:
        """Try until a new child is running: without one, this thread can do nothing for other
        books.

        Returns False once the pool is closed, or the task that the child is for has ended: a job
        whose time is up must not wait for a child that cannot be started.
        """
        while self._is_wanted(task):
            try:
                self._new_child.start(lambda: self._is_wanted(task))
                self.is_ready = True
                return True
            except WaitAbandoned:
                continue
            except ChildEnded as error:
                logger.error("%s", error)
            except Exception:
                logger.exception("%s could not be started", self._new_child.name)
            self.is_ready = False
            self._metrics.renderer_restarted(Restart.START)
            time.sleep(_RESTART_PAUSE_S)
        return False

    def _is_wanted(self, task: RenderTask | None) -> bool:
        return not self._turns.is_closed and (task is None or task.is_wanted)


def _as_error(failure: Failure) -> RenderingError:
    return RenderingError(failure.message, failure.error_class)
