"""A fleet on this machine: one book by one worker and by two, beside the engine of one machine."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

from benchmarks.books import Book, measured_books
from benchmarks.figures import Figure, Row, Target, percentile, ratio
from benchmarks.service import enqueue_times_ms, run_book, serving
from tests.support.brokers import Redis
from tests.support.client import Client
from tests.support.fleet import Fleet
from tests.support.mongo import DatabaseProcess
from tests.support.objects import Bucket, S3Server
from tests.support.pdfs import text_pdf
from tests.support.server import ServerProcess

RUNS = 3


def fleet() -> Iterator[Row]:
    book = measured_books()[0]
    alone = {number: Figure.of(_alone(book, number), "pages/s") for number in (1, 2)}
    for number, figure in alone.items():
        yield Row(f"{book.name}: one machine, {number} processes", figure)
    with _parts() as parts:
        server, together = parts.server(), {}
        for number in (1, 2):
            parts.worker().wait_until_ready()
            together[number] = Figure.of(_pace(server, book), "pages/s")
            yield Row(f"{book.name}: {number} workers of one process", together[number])
        yield from _enqueue(Client(server.url, "bench"))
    yield ratio("1 worker", together[1], "1 process", alone[1], Target(0.8, 0.95))
    yield ratio("2 workers", together[2], "1 worker", together[1], Target(1.7, 1.9))


@contextmanager
def _parts() -> Iterator[Fleet]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        broker = Redis(folder / "redis").start()
        database = DatabaseProcess(folder / "mongo").start()
        store = S3Server(folder / "s3").start()
        settings = {"limits.max_active_jobs_per_user": 100, "logging.level": "warning"}
        shared = {"mongodb.uri": database.uri, "mongodb.database": f"bench_{uuid4().hex[:8]}"}
        try:
            with closing(Fleet(folder, broker, Bucket(store), shared, settings)) as parts:
                yield parts
        finally:
            for part in (broker, database, store):
                part.kill()


def _alone(book: Book, processes: int) -> list[float]:
    with serving({"rendering.processes": processes}) as server:
        return _pace(server, book)


def _pace(server: ServerProcess, book: Book) -> list[float]:
    run_book(server, book)
    return [book.pages / run_book(server, book).seconds for _ in range(RUNS)]


def _enqueue(user: Client) -> Iterator[Row]:
    taken = enqueue_times_ms(user, user.upload(text_pdf(1)).json()["file_id"])
    yield Row(
        "enqueue p50 in a fleet",
        Figure.of([percentile(taken, 50)], "ms"),
        Target(15, 8, at_most=True),
    )
