"""What the service needs: time for a 202, memory for books of any size, time to start."""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from benchmarks.books import Book, scanned_book
from benchmarks.figures import Figure, Row, Target, percentile, ratio
from benchmarks.service import (
    BEFORE,
    MeasuredServer,
    enqueue_times_ms,
    run_book,
    serving,
)
from tests.support.client import Client
from tests.support.pdfs import text_pdf
from tests.support.processes import memory_kb, renderers
from tests.support.server import ROOT, is_ok
from tests.support.waiting import wait_until

RUNS = 3
# The server's memory does not depend on the resolution, and 5,000 pages at 150 dpi take a minute.
_QUICK_DPI = 36
_LOOK_S = 0.02


def enqueue() -> Iterator[Row]:
    """The time until the 202 for an uploaded PDF, while nothing else runs."""
    medians, worst = [], []
    with serving() as server:
        user = Client(server.url, "bench")
        file_id = user.upload(text_pdf(1)).json()["file_id"]
        for _ in range(RUNS):
            taken = enqueue_times_ms(user, file_id)
            medians.append(percentile(taken, 50))
            worst.append(percentile(taken, 99))
    yield Row("enqueue p50", Figure.of(medians, "ms"), Target(10, 5, at_most=True))
    yield Row("enqueue p99", Figure.of(worst, "ms"))


def memory() -> Iterator[Row]:
    """The peaks of the server and of its largest renderer, for a fresh server and one book."""
    small, large = (Book("text", text_pdf(pages, words=30), pages) for pages in (10, 5000))
    quick: dict[str, object] = {"rendering.dpi": _QUICK_DPI}
    servers = {}
    for book, settings in ((small, {}), (large, quick)):
        peaks = [_peaks_mb(book, settings) for _ in range(RUNS)]
        servers[book.pages] = Figure.of([server for server, _ in peaks], "MB")
        at = f" at {_QUICK_DPI} dpi" if settings else ""
        yield Row(f"peak memory of the server, {book.title}{at}", servers[book.pages])
        yield Row(
            f"peak memory of a renderer, {book.title}{at}",
            Figure.of([renderer for _, renderer in peaks], "MB"),
        )
    yield ratio(
        "memory of the server, 5,000 pages",
        servers[large.pages],
        "10 pages",
        servers[small.pages],
        Target(1.1, 1.02, at_most=True),
    )
    scanned = f"peak memory of a renderer, {scanned_book().title}"
    now, before = [], []
    for _ in range(RUNS):
        now.append(_peaks_mb(scanned_book())[1])
        if BEFORE:
            before.append(_peaks_mb(scanned_book(), code=BEFORE)[1])
    yield Row(scanned, Figure.of(now, "MB"))
    if before:
        former, present = Figure.of(before, "MB"), Figure.of(now, "MB")
        yield ratio(f"{scanned}, before", former, "now", present, Target(1.2, 1.5))


def _peaks_mb(
    book: Book, settings: dict[str, object] | None = None, code: Path = ROOT
) -> tuple[float, float]:
    """Of a fresh server, and of the largest of its renderers, which may end with their job."""
    largest = 0.0
    with serving(settings, code=code) as server, ThreadPoolExecutor(1) as threads:
        run = threads.submit(run_book, server, book)
        while not run.done():
            for pid in renderers(server, "renderer"):
                with suppress(OSError, IndexError):  # it has just ended
                    largest = max(largest, _peak_mb(pid))
            time.sleep(_LOOK_S)
        run.result()
        return _peak_mb(server.pid), largest


def start() -> Iterator[Row]:
    """The time from `python wsgi.py` to the first response, and until the server is ready: with a
    new data folder, whose database gets its user first, and with that folder again.
    """
    responses, ready, again = [], [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            response_s, ready_s = _start(Path(folder))
            responses.append(response_s)
            ready.append(ready_s)
            again.append(_start(Path(folder))[1])
    target = Target(2, 1, at_most=True)
    yield Row("start to the first response", Figure.of(responses, "s"))
    yield Row("start to ready", Figure.of(ready, "s"), target)
    yield Row("start to ready, every later time", Figure.of(again, "s"), target)


def _start(folder: Path) -> tuple[float, float]:
    """Seconds to the first response, and until the server is ready."""
    server = MeasuredServer(folder)
    started = time.perf_counter()
    server.launch()
    wait_until(lambda: is_ok(server.port, "/health"), 60, "the first response", 0.01)
    response_s = time.perf_counter() - started
    wait_until(lambda: is_ok(server.port, "/health/ready"), 60, "readiness", 0.01)
    ready_s = time.perf_counter() - started
    server.stop()
    return response_s, ready_s


def _peak_mb(pid: int) -> float:
    return memory_kb(pid, peak=True) / 1024
