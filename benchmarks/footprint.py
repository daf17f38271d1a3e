"""What the service needs: time for a 202, memory for books of any size, time to start."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.books import Book
from benchmarks.figures import Figure, Row, Target, percentile
from benchmarks.service import run_book, serving, wait_for_end
from tests.support.client import Client
from tests.support.pdfs import text_pdf
from tests.support.processes import memory_kb, renderers
from tests.support.server import ServerProcess, is_ok
from tests.support.waiting import wait_until

RUNS = 5
_ENQUEUES = 40
_SIZES = (10, 283, 5000)
# The server's memory does not depend on the resolution, and 5,000 pages at 150 dpi take a minute.
_QUICK_DPI = 36


def enqueue() -> Iterator[Row]:
    """The time until the 202 for an uploaded PDF, while nothing else runs."""
    medians, worst = [], []
    with serving() as server:
        user = Client(server.url, "bench")
        file_id = user.upload(text_pdf(1)).json()["file_id"]
        for _ in range(RUNS):
            taken = []
            for _ in range(_ENQUEUES):
                response = user.enqueue(file_id)
                response.raise_for_status()
                taken.append(response.elapsed.total_seconds() * 1000)
                wait_for_end(user, response.json()["job_id"])
            medians.append(percentile(taken, 50))
            worst.append(percentile(taken, 99))
    yield Row("enqueue p50", Figure.of(medians, "ms"), Target(10, 5, at_most=True))
    yield Row("enqueue p99", Figure.of(worst, "ms"))


def memory() -> Iterator[Row]:
    """The peaks of the server and of its largest renderer, for a fresh server and one book."""
    peaks: dict[int, list[float]] = {pages: [] for pages in _SIZES}
    for pages in _SIZES:
        settings: dict[str, object] = {"rendering.dpi": _QUICK_DPI} if pages == max(_SIZES) else {}
        renderer = []
        for _ in range(RUNS):
            with serving(settings) as server:
                book = Book("text", text_pdf(pages, words=30), pages)
                run_book(Client(server.url, "bench"), book)
                peaks[pages].append(_peak_mb(server.pid))
                renderer.append(max(_peak_mb(pid) for pid in renderers(server)))
        at = f", {_QUICK_DPI} dpi" if settings else ""
        yield Row(f"peak memory of the server, {pages} pages", Figure.of(peaks[pages], "MB"))
        yield Row(f"peak memory of a renderer, {pages} pages{at}", Figure.of(renderer, "MB"))
    small = Figure.of(peaks[_SIZES[0]]).median
    yield Row(
        "memory of the server, 5,000 pages / 10 pages",
        Figure.of([peak / small for peak in peaks[_SIZES[-1]]]),
        Target(1.15, 1.02, at_most=True),
    )


def start() -> Iterator[Row]:
    """The time from `python wsgi.py` to the first response, and until the server is ready."""
    responses, ready = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            server = ServerProcess(Path(folder))
            started = time.perf_counter()
            server.launch()
            wait_until(lambda: is_ok(server.port, "/health"), 60, "the first response", 0.01)
            responses.append(time.perf_counter() - started)
            wait_until(lambda: is_ok(server.port, "/health/ready"), 60, "readiness", 0.01)
            ready.append(time.perf_counter() - started)
            server.stop()
    yield Row("start to the first response", Figure.of(responses, "s"))
    yield Row("start to ready", Figure.of(ready, "s"), Target(2, 1, at_most=True))


def _peak_mb(pid: int) -> float:
    return memory_kb(pid, peak=True) / 1024
