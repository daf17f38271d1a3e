"""A book that is being rendered: which pages are still to do, with a child, or done."""

import math
import queue
import threading
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

from wordai_jobs import logs
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.job import ErrorClass, OnBadPage
from wordai_jobs.rendering.protocol import MOST_PAGES

# Small enough that another book's pages, or a cancellation, need not wait long; large enough that
# handing over costs nothing compared with the work. 1 to 16 pages (MOST_PAGES) reach 0.9 of the
# speed of independent processes, 32 do not.
_CHUNK_S = 0.1


class RenderingError(Exception):
    """The book cannot be rendered. Its owner reads the message; statistics count the class."""

    def __init__(self, message: str, error_class: ErrorClass) -> None:
        super().__init__(message)
        self.error_class = error_class


class FolderGone(RenderingError):
    """The folder that pages are rendered into was removed."""

    def __init__(self) -> None:
        super().__init__("Internal error", ErrorClass.OTHER)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Pages that one child renders in one go. `is_retry`: the page ended a child before, so it gets
    a new one. `problem`: why the page cannot be rendered, so that it gets a placeholder.
    """

    pages: tuple[int, ...]
    is_retry: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The pages of a PDF that are a book here, from `first_page` on. As pages of the book, they
    count from 1, everywhere but in requests to children. Their images have the resolution that is
    configured if `dpi` is None.
    """

    pdf: Path
    page_count: int
    first_page: int = 1
    dpi: int | None = None

    def in_pdf(self, page: int) -> int:
        return self.first_page - 1 + page


class RenderTask:
    """Shared by the job's thread, which waits for pages, and the children's threads, which bring
    them.
    """

    def __init__(
        self,
        part: Part,
        folder: Path,
        on_bad_page: OnBadPage,
        processes: int,
        pages: range | None = None,
    ) -> None:
        """`pages`: those of the part that are rendered, if not all."""
        self.part = part
        self.folder = folder
        # The children's threads log what they do for this task under its job.
        self.job_id = logs.current_job()
        self._on_bad_page = on_bad_page
        self._processes = processes
        self._lock = threading.Lock()
        pages = pages or range(1, part.page_count + 1)
        self._next_page, self._end = pages.start, pages.stop
        self._put_back: deque[Chunk] = deque()
        self._bad_pages: dict[int, RenderingError] = {}
        self._in_flight = 0
        self._idle = threading.Condition(self._lock)
        self._is_over = False
        self._page_s = 0.0  # what a page took of late; 0 before the first is done
        # Not a SimpleQueue: of several threads that wait with a time limit, one that wakes up too
        # late for an item waits without a limit then.
        self._events: queue.Queue[Page | RenderingError | None] = queue.Queue()

    # Called by the job's thread.

    def next_page(self, timeout_s: float) -> Page | None:
        """The next page that is on disk, in the order in which they are done; None if there is none
        within `timeout_s`.

        Raises RenderingError if the book cannot be rendered.
        """
        try:
            event = self._events.get(timeout=max(timeout_s, 0))
        except queue.Empty:
            return None
        if isinstance(event, RenderingError):
            raise event
        return event

    def wake(self) -> None:
        """Have `next_page` return now, if only None."""
        self._events.put(None)

    def leave_off(self) -> int:
        """Give no further pages out, but have those rendered that were. Returns the first page that
        is left out.
        """
        with self._lock:
            self._end = self._next_page
            return self._end

    def end(self) -> None:
        """Give no more pages out. Returns once no child works for this task, so that its folder may
        be removed.
        """
        with self._lock:
            self._is_over = True
            self._idle.wait_for(lambda: self._in_flight == 0)

    # Called by the children's threads.

    @property
    def is_wanted(self) -> bool:
        return not self._is_over

    @property
    def children_at_work(self) -> int:
        return self._in_flight

    def take_chunk(self) -> Chunk | None:
        """The next pages to render, None if there are none to give out. Each chunk must be given
        back.
        """
        with self._lock:
            chunk = None if self._is_over else self._next_chunk()
            if chunk:
                self._in_flight += 1
            return chunk

    def give_back(self) -> None:
        """No child works on the chunk any more, whether it is rendered or not."""
        with self._lock:
            self._in_flight -= 1
            self._idle.notify_all()

    def page_done(self, page: Page, took_s: float) -> None:
        with self._lock:
            self._page_s = took_s if self._page_s == 0 else 0.7 * self._page_s + 0.3 * took_s
        self._events.put(page)

    def page_failed(
        self, chunk: Chunk, number: int, error: RenderingError, *, is_certain: bool = False
    ) -> None:
        """A page was not rendered. Unless that is certain to happen again, it is tried once more,
        alone in a new child. Then the book fails, or the page gets a placeholder.

        The book fails all the same if no page of it can be rendered, or the second try to make a
        placeholder fails too. The other pages of the chunk are rendered as usual.
        """
        rest = tuple(page for page in chunk.pages if page > number)
        with self._lock:
            if rest:
                self._put_back.append(Chunk(rest))
            if not chunk.is_retry and (chunk.problem or not is_certain):
                self._put_back.appendleft(replace(chunk, pages=(number,), is_retry=True))
                return
            self._bad_pages.setdefault(number, error)
            is_hopeless = chunk.problem or len(self._bad_pages) == self.part.page_count
            if self._on_bad_page == "placeholder" and not is_hopeless:
                self._put_back.appendleft(Chunk((number,), problem=str(error)))
                return
            first_error = self._bad_pages[min(self._bad_pages)]
        self.fail(first_error)

    def fail(self, error: RenderingError) -> None:
        with self._lock:
            self._is_over = True
        self._events.put(error)

    def _next_chunk(self) -> Chunk | None:
        if self._put_back:
            return self._put_back.popleft()
        left = self._end - self._next_page
        if left <= 0:
            return None
        size = 1  # the first: somebody waits for it, and how long a page takes is not known yet
        if self._page_s > 0:
            size = max(1, min(MOST_PAGES, int(_CHUNK_S / self._page_s)))
        size = min(size, math.ceil(left / self._processes))
        first = self._next_page
        self._next_page += size
        return Chunk(tuple(range(first, first + size)))
