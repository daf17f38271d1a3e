"""The work on a job that many machines do together: which of its pages are stored, which published.

A *stretch* is the pages that one task renders. A task that takes long stores what it has, and
leaves the rest of its stretch to another. So the pages of a stretch are stored from its first one
on, without gaps.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from wordai_jobs.model.chapter import Page

# How many tasks of a job are published when it begins.
FIRST_TASKS = 4
# At 10 to 100 pages per second, the pages of a third of a second to three seconds.
STRETCH = 32


@dataclass(frozen=True, slots=True)
class Task:
    """Pages `first` to `last` are to be rendered."""

    first: int
    last: int

    @property
    def pages(self) -> range:
        return range(self.first, self.last + 1)


@dataclass(frozen=True, slots=True)
class Work:
    """The work on one job. Times are those of the database's clock, which all machines share.

    `pages` has the stored pages by the number of the first page of each record; only `with_pages`
    of the repository reads them.
    """

    total_pages: int
    deadline: datetime
    touched_at: datetime
    waits: bool = False  # for its turn: its user has other jobs
    published: int = 0
    stretches_done: int = 0
    pages_done: int = 0
    pages: Mapping[int, tuple[Page, ...]] = field(default_factory=dict)

    @property
    def is_rendered(self) -> bool:
        return self.pages_done >= self.total_pages

    @property
    def stretch_count(self) -> int:
        return -(-self.total_pages // STRETCH)

    @property
    def in_hand(self) -> int:
        """How many stretches are published and not yet stored."""
        return min(self.published, self.stretch_count) - self.stretches_done

    def stretches(self, start: int, end: int) -> Iterator[Task]:
        return stretches(self.total_pages, start, end)

    def missing(self) -> Iterator[Task]:
        """What is left of the stretches that were published. Needs `pages`."""
        for task in self.stretches(0, self.published):
            first = task.first
            while first in self.pages:
                first += len(self.pages[first])
            if first <= task.last:
                yield Task(first, task.last)

    def all_pages(self) -> list[Page]:
        """The stored pages in their order. Needs `pages`."""
        return [page for first in sorted(self.pages) for page in self.pages[first]]


def stretches(total_pages: int, start: int, end: int) -> Iterator[Task]:
    """The tasks of the stretches `start` to `end - 1`, counted from 0, as far as they exist."""
    for first in range(start * STRETCH + 1, min(end * STRETCH, total_pages) + 1, STRETCH):
        yield Task(first, min(first + STRETCH - 1, total_pages))


def ends_stretch(page_number: int, total_pages: int) -> bool:
    return page_number % STRETCH == 0 or page_number == total_pages
