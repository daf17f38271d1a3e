"""The children that render, and the threads that drive them. Books take turns, so that none waits
for another to end. A child renders pages of one book only, and ends with it.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from wordai_jobs import logs
from wordai_jobs.config import RenderingSettings
from wordai_jobs.errors import FULL_DISK
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.job import ErrorClass, OnBadPage
from wordai_jobs.rendering import sandbox
from wordai_jobs.rendering.child_process import ChildProcess
from wordai_jobs.rendering.fork_client import (
    ChildEnded,
    ForbiddenCall,
    ForkServer,
    WaitAbandoned,
)
from wordai_jobs.rendering.metrics import RenderMetrics, Restart
from wordai_jobs.rendering.page_files import name_image, opened, page_with_too_many_words
from wordai_jobs.rendering.protocol import (
    Failed,
    Failure,
    PageRendered,
    RenderOptions,
    RenderPages,
    RenderPlaceholder,
)
from wordai_jobs.rendering.task import Chunk, FolderGone, Part, RenderingError, RenderTask

# How many books keep their child, with the open PDF, until their next turn. Opening a book in a new
# child takes 20 ms of a turn of 100 ms.
_MOST_WAITING = 4
_RESTART_PAUSE_S = 1.0
_STOP_TIMEOUT_S = 5.0

logger = logging.getLogger(__name__)


def render_options(settings: RenderingSettings) -> RenderOptions:
    return RenderOptions(settings.dpi, settings.format, settings.jpeg_quality, settings.max_pixels)


class RenderPool:
    """Children that render, each driven by a permanent thread of its own."""

    def __init__(
        self,
        settings: RenderingSettings,
        fork_server: ForkServer,
        metrics: RenderMetrics | None = None,
        name: str = "renderer",
    ) -> None:
        """`name`: that of its children, in the log and in `ps`."""
        self.dpi = settings.dpi
        self.sandbox = sandbox.state(settings.sandbox)
        self._turns = _Turns()
        fork_server.on_replacement.append(self._turns.wake)
        self._waiting = _WaitingChildren(_MOST_WAITING)
        metrics = metrics or RenderMetrics()
        self._workers = [
            _Worker(
                ChildProcess(f"{name} {number}", settings.memory_limit_mb, fork_server),
                self._turns,
                self._waiting,
                settings,
                metrics,
            )
            for number in range(1, settings.process_count + 1)
        ]

    def start(self) -> None:
        """Start the threads; these start their children. Returns at once."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """End the children, whatever they are doing."""
        self._turns.close()
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        for worker in self._workers:
            worker.join(deadline)

    @property
    def ready_count(self) -> int:
        """How many of the threads have a child, or can have one."""
        return sum(worker.is_ready for worker in self._workers)

    @property
    def size(self) -> int:
        """How many pages are rendered at once, at most."""
        return len(self._workers)

    @property
    def is_busy(self) -> bool:
        """Whether a book is being rendered."""
        return self._turns.is_busy

    @contextmanager
    def rendering(
        self,
        part: Part,
        folder: Path,
        on_bad_page: OnBadPage,
        pages: range | None = None,
    ) -> Iterator[RenderTask]:
        """Have all pages of the part, or only these `pages` of it, written into `folder`, while the
        caller takes them from the task.

        When this ends, however that happens, the children of this book have ended. Raises
        RenderingError if they have written more than the server can read.
        """
        task = RenderTask(part, folder, on_bad_page, self.size, pages)
        self._turns.add(task)
        try:
            yield task
        finally:
            self._turns.remove(task)
            task.end()
            if not self._turns.have_book(folder):
                self._waiting.end(folder)
        too_long = page_with_too_many_words(folder)
        if too_long:
            message = f"Page {too_long} crashed the renderer"
            raise RenderingError(message, ErrorClass.RENDERER_CRASH)


class _Turns:
    """The books, known by their folders, that are being rendered. They give out chunks of pages in
    turns. If a book has several tasks, they follow one another.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tasks: list[RenderTask] = []
        self.is_closed = False

    def add(self, task: RenderTask) -> None:
        with self._changed:
            self._tasks.append(task)
            self._changed.notify_all()

    def remove(self, task: RenderTask) -> None:
        with self._changed:
            self._tasks.remove(task)

    def have_book(self, folder: Path) -> bool:
        """Whether any pages of the book with this folder are still being rendered."""
        with self._changed:
            return any(task.folder == folder for task in self._tasks)

    @property
    def is_busy(self) -> bool:
        return bool(self._tasks)

    def wake(self) -> None:
        """A task may have pages to give out again, or a child may have become outdated."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    def take(self, may_wait: Callable[[], bool]) -> tuple[RenderTask, Chunk] | None:
        """Wait for work; returns None once closed, or if there is none and `may_wait` says no."""
        with self._changed:
            while not self.is_closed:
                children: Counter[Path] = Counter()
                for task in self._tasks:
                    children[task.folder] += task.children_at_work
                # A book gets a further child only if no other book wants one: it costs 10 ms.
                for task in sorted(self._tasks, key=lambda it: children[it.folder]):
                    chunk = task.take_chunk()
                    if chunk:
                        folder = task.folder
                        self._tasks.sort(key=lambda it: it.folder == folder)
                        return task, chunk
                if not may_wait():
                    return None
                self._changed.wait()
            return None


class _WaitingChildren:
    """The children whose book, known by its folder, waits for its turn."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._children: deque[tuple[Path, ChildProcess]] = deque()

    def add(self, folder: Path, child: ChildProcess) -> None:
        """If there are too many now, the one that has waited longest is ended."""
        with self._lock:
            self._children.append((folder, child))
            surplus = self._children.popleft()[1] if len(self._children) > self._most else None
        if surplus:
            surplus.kill()

    def take(self, folder: Path) -> ChildProcess | None:
        """A child of this book, if one waits."""
        with self._lock:
            for each in self._children:
                if each[0] == folder:
                    self._children.remove(each)
                    return each[1]
        return None

    def end(self, folder: Path) -> None:
        while child := self.take(folder):
            child.kill()


class _Worker:
    """A thread that hands chunks to children, and the new child that it keeps for the next book."""

    def __init__(
        self,
        new_child: ChildProcess,
        turns: _Turns,
        waiting: _WaitingChildren,
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
            # Without this thread, its books would wait for ever.
            logger.exception(
                "pages %s of %s met an unexpected error", chunk.pages, task.part.pdf.name
            )
            task.fail(RenderingError("Internal error", ErrorClass.OTHER))
            restart = Restart.CRASH
        try:
            if child and restart:
                # It must not write into a folder that is about to be removed.
                child.kill()
            elif child:
                self._waiting.add(task.folder, child)
        finally:
            # A cancelled job waits until its pages are given back.
            task.give_back()
            self._turns.wake()
        if restart:
            self._metrics.renderer_restarted(restart)

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
