"""The children that render, and the threads that drive them. Books take turns, so that none waits
for another to end. A child renders pages of one book only, and ends with it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wordai_jobs.config import RenderingSettings
from wordai_jobs.model.job import ErrorClass, OnBadPage
from wordai_jobs.rendering import sandbox
from wordai_jobs.rendering.child_process import ChildProcess
from wordai_jobs.rendering.fork_client import ForkServer
from wordai_jobs.rendering.metrics import RenderMetrics
from wordai_jobs.rendering.page_files import page_with_too_many_words
from wordai_jobs.rendering.render_thread import RenderThread
from wordai_jobs.rendering.task import Part, RenderingError, RenderTask
from wordai_jobs.rendering.turns import Turns, WaitingChildren

# How many books keep their child, with the open PDF, until their next turn. Opening a book in a new
# child takes 20 ms of a turn of 100 ms.
_MOST_WAITING = 4
_STOP_TIMEOUT_S = 5.0


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
        self._turns = Turns()
        fork_server.on_replacement.append(self._turns.wake)
        self._waiting = WaitingChildren(_MOST_WAITING)
        metrics = metrics or RenderMetrics()
        self._threads = [
            RenderThread(
                ChildProcess(f"{name} {number}", settings, fork_server),
                self._turns,
                self._waiting,
                settings,
                metrics,
            )
            for number in range(1, settings.process_count + 1)
        ]

    def start(self) -> None:
        """Start the threads; these start their children. Returns at once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the children, whatever they are doing."""
        self._turns.close()
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        for thread in self._threads:
            thread.join(deadline)

    @property
    def ready_count(self) -> int:
        """How many of the threads have a child, or can have one."""
        return sum(thread.is_ready for thread in self._threads)

    @property
    def size(self) -> int:
        """How many pages are rendered at once, at most."""
        return len(self._threads)

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
