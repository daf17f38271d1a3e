"""Which book is rendered next, and the children of those that wait for their next turn."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path

from wordai_jobs.rendering.child_process import ChildProcess
from wordai_jobs.rendering.task import Chunk, RenderTask


class Turns:
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


class WaitingChildren:
    """The children whose book, known by its folder, waits for its turn."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._children: deque[tuple[Path, ChildProcess]] = deque()

    def add(self, folder: Path, child: ChildProcess) -> None:
        """If there are too many now, the one that has waited longest is ended."""
        with self._lock:
            self._children.append((folder, child))
            if len(self._children) > self._most:
                # Not later: its book must not end before it.
                self._children.popleft()[1].kill()

    def take(self, folder: Path) -> ChildProcess | None:
        """A child of this book, if one waits."""
        with self._lock:
            for each in self._children:
                if each[0] == folder:
                    self._children.remove(each)
                    return each[1]
        return None

    def end(self, folder: Path) -> None:
        """End the children of this book, all at once: the kernel takes 5 ms to free the memory of
        one.
        """
        children = []
        while child := self.take(folder):
            child.begin_kill()
            children.append(child)
        for child in children:
            child.kill()
