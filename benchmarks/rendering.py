"""Books over HTTP, beside what only draws and encodes; many jobs beside one book."""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

from benchmarks.books import BOOK_PAGES, Book, built_book, measured_books
from benchmarks.figures import Figure, Row, Target, ratio
from benchmarks.service import BEFORE, Run, completions, run_book, serving
from benchmarks.yardsticks import YARDSTICKS, pages_per_second
from tests.support.client import Client
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.server import ServerProcess

RUNS = 3
# Their ratios to the old ceiling are close to their targets, and vary by a quarter.
_RUNS_OF_REAL_BOOKS = 7
_RUNS_OF_MANY = 4
_RUNS_OF_BOOKS_AT_ONCE = 2
_ALONE = "one book alone"
_MANY = "40 jobs of 1 page, 10 of 10 pages and 2 books at once"
_NEW_CEILING = Target(0.60, 0.75)
_OLD_CEILING = {
    "built book": Target(1.05, 1.15),
    "mupdf_explored": Target(0.90, 1.00),
    "GeoTopo": Target(0.90, 1.00),
}
# Of the book whose row has a target for it.
_USUAL = {"built book": Target(25, 35)}
_FIRST_PAGE = {"built book": Target(150, 60, at_most=True)}
_CPU_BEFORE = {"book of text": Target(2, 3)}


def books() -> Iterator[Row]:
    with ExitStack() as stack:
        server = stack.enter_context(serving())
        before = stack.enter_context(serving(code=BEFORE)) if BEFORE else None
        for book in measured_books():
            yield from _book(book, server, before)


def _book(book: Book, server: ServerProcess, before: ServerProcess | None) -> Iterator[Row]:
    names = [it for it in YARDSTICKS if it != "the usual pipeline" or book.name in _USUAL]
    pace: dict[str, list[float]] = {name: [] for name in names}
    targets = {
        "the old ceiling": _OLD_CEILING.get(book.name),
        "the new ceiling": _NEW_CEILING,
        "the usual pipeline": _USUAL.get(book.name),
    }
    runs: list[Run] = []
    earlier: list[Run] = []
    with ExitStack() as stack:
        yardsticks = {name: stack.enter_context(pages_per_second(name, book)) for name in names}
        for which in (server, before):
            if which:
                run_book(which, book)
        for number in range(_RUNS_OF_REAL_BOOKS if book.is_real else RUNS):
            runs.append(run_book(server, book))
            for name, run in yardsticks.items():
                if number < RUNS or targets.get(name):
                    pace[name].append(run())
            if before and number < RUNS:
                earlier.append(run_book(before, book))
    over_http = Figure.of([book.pages / run.seconds for run in runs], "pages/s")
    cpu = Figure.of([run.cpu_s / book.pages * 1000 for run in runs], "ms")
    yield Row(f"{book.title}: over HTTP", over_http)
    yield Row(f"{book.title}: processor time a page", cpu)
    yield Row(
        f"{book.title}: first page readable after the 202",
        Figure.of([run.first_page_s * 1000 for run in runs], "ms"),
        _FIRST_PAGE.get(book.name),
    )
    for name in names:
        figure = Figure.of(pace[name], "pages/s")
        yield ratio(f"{book.title}: over HTTP", over_http, name, figure, targets.get(name))
    if earlier:
        pace_before = Figure.of([book.pages / run.seconds for run in earlier], "pages/s")
        cpu_before = Figure.of([run.cpu_s / book.pages * 1000 for run in earlier], "ms")
        yield ratio(f"{book.title}: over HTTP, now", over_http, "before", pace_before)
        yield ratio(
            f"{book.title}: processor time a page, before",
            cpu_before,
            "now",
            cpu,
            _CPU_BEFORE.get(book.name),
        )


def many() -> Iterator[Row]:
    """One, two and four books at once, and many jobs, from enqueueing to the last end."""
    small = [photo_pdf(), text_pdf(1)] * 20
    middle = [text_pdf(10)] * 10
    with serving() as server:
        user = Client(server.url, "bench")
        book = user.upload(built_book().pdf).json()["file_id"]
        others = [user.upload(pdf).json()["file_id"] for pdf in (*small, *middle)]
        loads = {
            _MANY: (40 + 100 + 2 * BOOK_PAGES, [book, *others, book], _RUNS_OF_MANY),
            "two books at once": (2 * BOOK_PAGES, [book] * 2, _RUNS_OF_BOOKS_AT_ONCE),
            "four books at once": (4 * BOOK_PAGES, [book] * 4, _RUNS_OF_BOOKS_AT_ONCE),
        }
        pace: dict[str, list[float]] = {name: [] for name in loads}
        alone = [BOOK_PAGES / _seconds(server, user, [book])]
        # What the book alone takes right before and after.
        beside: dict[str, list[float]] = {name: [] for name in loads}
        for name, (pages, file_ids, runs) in loads.items():
            for _ in range(runs):
                pace[name].append(pages / _seconds(server, user, file_ids))
                alone.append(BOOK_PAGES / _seconds(server, user, [book]))
                beside[name].append(statistics.mean(alone[-2:]))
    yield Row(_ALONE, Figure.of(alone, "pages/s"))
    for name in loads:
        target = Target(0.9, 0.97) if name == _MANY else None
        figure, by_itself = Figure.of(pace[name]), Figure.of(beside[name], "pages/s")
        yield ratio(name, figure, _ALONE, by_itself, target)


_numbers = count(1)


def _seconds(server: ServerProcess, user: Client, file_ids: list[str]) -> float:
    with completions(server) as wait_for:
        started = time.perf_counter()
        # As chapters of a book have: for one that has the title of another, a free slug is looked
        # for.
        jobs = [
            user.enqueue(file_id, title=f"Chapter {next(_numbers)}").json()["job_id"]
            for file_id in file_ids
        ]
        for job_id in jobs:
            wait_for(job_id)
        return time.perf_counter() - started
