"""Books over HTTP, beside the usual pipeline and the ceiling; many jobs beside one book."""

import os
import time
from collections.abc import Iterator

from benchmarks import ceiling, usual
from benchmarks.books import Book, measured_books
from benchmarks.figures import Figure, Row, Target, ratios
from benchmarks.service import run_book, serving, wait_for_end
from tests.support.client import Client
from tests.support.pdfs import photo_pdf, text_pdf

RUNS = 5
# Every sixteenth page is enough to know the speed of the usual pipeline.
_USUAL_STEP = 16
# With fewer pages, uploading, recording and waiting take most of the time, not rendering.
_A_BOOK = 100


def books() -> Iterator[Row]:
    with serving() as server:
        user = Client(server.url, "bench")
        for number, book in enumerate(measured_books()):
            yield from _book(user, book, is_main=number == 0)


def _book(user: Client, book: Book, is_main: bool) -> Iterator[Row]:
    run_book(user, book)
    runs, pace, limits, usuals = [], [], [], []
    for _ in range(RUNS):
        runs.append(run_book(user, book))
        pace.append(book.pages / runs[-1].seconds)
        limits.append(ceiling.pages_per_second(book, _cores()))
        if is_main:
            usuals.append(usual.pages_per_second(book, _USUAL_STEP))
    over_http, limit = Figure.of(pace, "pages/s"), Figure.of(limits, "pages/s")
    yield Row(f"{book.name}: over HTTP", over_http)
    yield Row(f"{book.name}: upload to completed", Figure.of([run.seconds for run in runs], "s"))
    yield Row(
        f"{book.name}: first page readable after the 202",
        Figure.of([run.first_page_s * 1000 for run in runs], "ms"),
        Target(150, 60, at_most=True) if is_main else None,
    )
    yield Row(f"{book.name}: the ceiling", limit)
    yield Row(
        f"{book.name}: over HTTP / the ceiling",
        ratios(over_http, limit),
        Target(0.80, 0.90) if book.pages >= _A_BOOK else None,
    )
    if is_main:
        yield Row(f"{book.name}: the usual pipeline", Figure.of(usuals, "pages/s"))
        yield Row(
            f"{book.name}: over HTTP / the usual pipeline",
            ratios(over_http, Figure.of(usuals)),
            Target(15, 25),
        )


def many() -> Iterator[Row]:
    """40 jobs of one page, 10 of ten pages and 2 books at once, from enqueueing to the last end."""
    book = measured_books()[0]
    small = [photo_pdf(), text_pdf(1)] * 20
    middle = [text_pdf(10)] * 10
    with serving() as server:
        user = Client(server.url, "bench")
        alone_id = user.upload(book.pdf).json()["file_id"]
        ids = [user.upload(pdf).json()["file_id"] for pdf in (*small, *middle)]
        pages = 40 + 100 + 2 * book.pages
        together, alone = [], []
        for _ in range(RUNS):
            alone.append(book.pages / _seconds(user, [alone_id]))
            together.append(pages / _seconds(user, [alone_id, *ids, alone_id]))
    yield Row("many jobs at once", Figure.of(together, "pages/s"))
    yield Row(
        "many jobs at once / one book alone",
        ratios(Figure.of(together), Figure.of(alone)),
        Target(0.85, 0.95),
    )


def _seconds(user: Client, file_ids: list[str]) -> float:
    started = time.perf_counter()
    jobs = [user.enqueue(file_id).json()["job_id"] for file_id in file_ids]
    for job_id in jobs:
        wait_for_end(user, job_id)
    return time.perf_counter() - started


def _cores() -> int:
    return len(os.sched_getaffinity(0))
