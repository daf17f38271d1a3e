"""The rendering children and the threads that drive them. Books take turns, so that none waits for
another to end.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wordai_jobs import logs
from wordai_jobs.metrics.rendering import RenderMetrics, Restart
from wordai_jobs.model.book import Page
from wordai_jobs.rendering.forks import ForkServer, WaitAbandoned
from wordai_jobs.rendering.options import Failure, RenderOptions
from wordai_jobs.rendering.process import ChildEnded, ChildProcess, ChildTimedOut
from wordai_jobs.rendering.task import Chunk, RenderTask, Stopwatch

_RESTART_PAUSE_S = 1.0
_STOP_TIMEOUT_S = 5.0

logger = logging.getLogger(__name__)


class RenderPool:
    """`processes` children, each driven by a permanent thread of its own."""

    def __init__(
        self,
        processes: int,
        options: RenderOptions,
        page_timeout_s: int,
        memory_limit_mb: int,
        fork_server: ForkServer,
        metrics: RenderMetrics | None = None,
    ) -> None:
        self._options = options
        self._turns = _Turns()
        metrics = metrics or RenderMetrics()
        self._workers = [
            _Worker(
                self._turns,
                page_timeout_s,
                ChildProcess(f"renderer {number}", memory_limit_mb, fork_server),
                metrics,
            )
            for number in range(1, processes + 1)
        ]

    def start(self) -> None:
        """Start the threads; they start their children. Returns at once."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """End the children, whatever they are doing."""
        self._turns.close()
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        for worker in self._workers:
            worker.stop(deadline)

    @property
    def ready_count(self) -> int:
        """Children that are up."""
        return sum(worker.is_ready for worker in self._workers)

    @contextmanager
    def rendering(self, pdf: Path, folder: Path, page_count: int) -> Iterator[RenderTask]:
        """Have pages 1 to `page_count` of `pdf` written into `folder`, while the caller takes them
        from the task.

        On leaving, however that happens, no child writes into the folder any more.
        """
        task = RenderTask(pdf, folder, page_count, self._options, len(self._workers))
        self._turns.add(task)
        try:
            yield task
        finally:
            self._turns.remove(task)
            task.end()


class _Turns:
    """The books being rendered. Each asks for one chunk in its turn."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tasks: deque[RenderTask] = deque()
        self.is_closed = False

    def add(self, task: RenderTask) -> None:
        with self._changed:
            self._tasks.append(task)
            self._changed.notify_all()

    def remove(self, task: RenderTask) -> None:
        with self._changed:
            self._tasks.remove(task)

    def changed(self) -> None:
        """A task has pages to hand out again."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    def take(self) -> tuple[RenderTask, Chunk] | None:
        """Wait for work; None once closed."""
        with self._changed:
            while not self.is_closed:
                for _ in range(len(self._tasks)):
                    task = self._tasks[0]
                    self._tasks.rotate(-1)
                    chunk = task.take_chunk()
                    if chunk:
                        return task, chunk
                self._changed.wait()
            return None


class _Worker:
    """A child and the thread that starts it, hands it chunks, and starts another when it is
    gone.
    """

    def __init__(
        self, turns: _Turns, page_timeout_s: int, child: ChildProcess, metrics: RenderMetrics
    ) -> None:
        self._metrics = metrics
        self._turns = turns
        self._page_timeout_s = page_timeout_s
        self._child = child
        self._thread = threading.Thread(target=self._run, name=child.name, daemon=True)
        self.is_ready = False

    def start(self) -> None:
        self._thread.start()

    def stop(self, deadline: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(max(deadline - time.monotonic(), 0))

    def _run(self) -> None:
        try:
            self._start_child()
            while work := self._turns.take():
                with logs.about_job(work[0].job_id):
                    self._work(*work)
        finally:
            self._child.kill()

    def _work(self, task: RenderTask, chunk: Chunk) -> None:
        restart = self._outcome(task, chunk)
        try:
            if restart:
                # It must not write into a folder that is about to be removed.
                self._child.kill()
        finally:
            # Before a new child is started: a cancelled job waits for its pages to be let go.
            task.give_back()
            self._turns.changed()
        if restart:
            self._metrics.renderer_restarted(restart)
            self._start_child()

    def _outcome(self, task: RenderTask, chunk: Chunk) -> Restart | None:
        """Have a chunk rendered; why the child cannot be used again, None where it can."""
        try:
            return self._render(task, chunk)
        except Exception:
            # This thread outlives whatever it meets: without it, its child serves nobody any more.
            logger.exception("pages %s of %s met an unexpected error", chunk.pages, task.pdf.name)
            task.fail("Internal error")
            return Restart.CRASH

    def _start_child(self, task: RenderTask | None = None) -> bool:
        """Until it comes up, since without a child this thread can do nothing.

        False once the pool is closed, or the task that the child is for has ended: a job whose time
        is up must not wait for a child that cannot be started.
        """

        def is_wanted() -> bool:
            return not self._turns.is_closed and (task is None or task.is_wanted)

        self.is_ready = False
        while is_wanted():
            try:
                self._child.start(is_wanted)
                self.is_ready = True
                return True
            except WaitAbandoned:
                continue
            except ChildEnded as error:
                logger.error("%s", error)
            except Exception:
                logger.exception("%s could not be started", self._child.name)
            self._metrics.renderer_restarted(Restart.START)
            time.sleep(_RESTART_PAUSE_S)
        return False

    def _render(self, task: RenderTask, chunk: Chunk) -> Restart | None:
        if not self._has_fit_child(task, chunk):
            return Restart.CANCELLED
        progress = _ChunkProgress(chunk, chunk.pages[0])
        try:
            self._render_pages(task, progress)
            return None
        except _PageFailed as error:
            return self._page_failed(task, progress, error.failure)
        except ChildEnded as error:
            logger.warning("%s on page %d of %s", error, progress.page, task.pdf.name)
            # It may only have talked nonsense, and another is about to write the same files.
            self._child.kill()
            task.page_ended_its_child(
                chunk, progress.page, f"Page {progress.page} crashed the renderer"
            )
            return Restart.CRASH
        except ChildTimedOut:
            logger.warning(
                "page %d of %s took longer than %d s",
                progress.page,
                task.pdf.name,
                self._page_timeout_s,
            )
            task.fail(f"Page {progress.page} took longer than {self._page_timeout_s} s")
            return Restart.HANG
        except WaitAbandoned:
            logger.info("page %d of %s is not wanted any more", progress.page, task.pdf.name)
            return Restart.CANCELLED

    def _has_fit_child(self, task: RenderTask, chunk: Chunk) -> bool:
        """Start a child where there is none, or not one that the chunk may have; False once it is
        not wanted any more.
        """
        if not self._child.is_running:
            self._metrics.renderer_restarted(Restart.LOST)
        elif chunk.is_retry and self._child.requests > 0:
            self._metrics.renderer_restarted(Restart.RETRY)
        else:
            return True
        return self._start_child(task)

    def _render_pages(self, task: RenderTask, progress: "_ChunkProgress") -> None:
        stopwatch = Stopwatch()
        self._child.send(
            {
                "op": "render",
                "pdf": str(task.pdf),
                "folder": str(task.folder),
                "pages": progress.chunk.pages,
                "options": asdict(task.options),
            }
        )
        for number in progress.chunk.pages:
            progress.page = number
            answer = self._child.receive(self._page_timeout_s, lambda: self._is_wanted(task))
            page, took_s = _page(number, answer), stopwatch.lap()
            self._metrics.page_rendered(took_s)
            task.page_done(page, took_s)

    def _page_failed(
        self, task: RenderTask, progress: "_ChunkProgress", failure: Failure
    ) -> Restart | None:
        """Record why a page failed; why the child cannot be used again, None where it is still
        good.
        """
        if failure is Failure.OUT_OF_MEMORY:
            # It may be what earlier pages left behind, so the child goes, and the page gets
            # another.
            task.page_ended_its_child(progress.chunk, progress.page, failure.words)
            return Restart.MEMORY
        task.fail(
            f"Page {progress.page} is damaged and cannot be rendered"
            if failure is Failure.BAD_PAGE
            else failure.words
        )
        return None

    def _is_wanted(self, task: RenderTask) -> bool:
        return task.is_wanted and not self._turns.is_closed


@dataclass(slots=True)
class _ChunkProgress:
    """A chunk, and the page of it that the child is at."""

    chunk: Chunk
    page: int


class _PageFailed(Exception):
    """The child is well and says that it cannot render the page."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.words)
        self.failure = failure


def _page(number: int, answer: dict[str, Any]) -> Page:
    try:
        if "failure" in answer:
            raise _PageFailed(Failure(answer["failure"]))
        return Page(number, int(answer["width"]), int(answer["height"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ChildEnded("the renderer sent garbage") from error
