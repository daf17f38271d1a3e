"""A fleet on this machine: one book by one worker and by two, beside the engine of one machine."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import psutil

from benchmarks.books import Book, built_book
from benchmarks.figures import Figure, Row, Target, percentile, ratio
from benchmarks.service import cpu_s, enqueue_times_ms, serving
from tests.support.brokers import Redis
from tests.support.client import Client
from tests.support.fleet import Fleet
from tests.support.mongo import DatabaseProcess
from tests.support.objects import Bucket, S3Server
from tests.support.pdfs import text_pdf

RUNS = 3
# Each poll asks the database, which has enough to do. The end is taken from the job.
_POLL_S = 0.25


@dataclass
class Measured:
    """Pages per second, and milliseconds of processor time that each part takes for a page; a
    value for each run.
    """

    paces: list[float] = field(default_factory=list)
    costs_ms: dict[str, list[float]] = field(default_factory=dict)

    def run(self, url: str, book: Book, processes: Mapping[str, list[int]]) -> None:
        """`processes`: the ids of those that belong to each part."""
        before = {part: _used_s(part, ids) for part, ids in processes.items()}
        self.paces.append(book.pages / _seconds(url, book))
        for part, ids in processes.items():
            cost_ms = (_used_s(part, ids) - before[part]) / book.pages * 1000
            self.costs_ms.setdefault(part, []).append(cost_ms)

    @property
    def pace(self) -> Figure:
        return Figure.of(self.paces, "pages/s")

    @property
    def most(self) -> Figure:
        """How many pages the cores of this machine allow if none of them ever waits."""
        cores = len(os.sched_getaffinity(0))
        totals_ms = [sum(costs_ms) for costs_ms in zip(*self.costs_ms.values(), strict=True)]
        return Figure.of([cores * 1000 / total_ms for total_ms in totals_ms], "pages/s")


def fleet() -> Iterator[Row]:
    book = built_book()
    alone, together = {}, {}
    for number in (1, 2):
        with serving({"rendering.processes": number}) as server:
            alone[number] = _measured(server.url, book, {"server": [server.pid]})
        yield Row(f"{book.name}: processes of one machine: {number}", alone[number].pace)
    with _parts() as (parts, processes):
        url = parts.server().url
        processes["API server"] = [parts.servers[0].pid]
        for number in (1, 2):
            parts.worker().wait_until_ready()
            ids = [worker.pid for worker in parts.workers]
            processes |= {_WORKERS: ids, _RENDERERS: ids}
            together[number] = _measured(url, book, processes)
            yield Row(f"{book.name}: workers of one process: {number}", together[number].pace)
            for part, costs_ms in together[number].costs_ms.items():
                yield Row(f"· processor time of a page: {part}", Figure.of(costs_ms, "ms"))
        yield from _enqueue(Client(url, "bench"))
    one, two = together[1].pace, together[2].pace
    yield ratio("1 worker", one, "1 process", alone[1].pace, Target(0.8, 0.95))
    yield ratio("2 workers", two, "1 worker", one, Target(1.7, 1.9))
    yield ratio("2 workers", two, "what the cores allow for all parts", together[2].most)


_WORKERS, _RENDERERS = "workers without renderers", "renderers"


@contextmanager
def _parts() -> Iterator[tuple[Fleet, dict[str, list[int]]]]:
    """A fleet without servers and workers, and the ids of the processes of its other parts."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        broker = Redis(folder / "redis").start()
        database = DatabaseProcess(folder / "mongo").start()
        store = S3Server(folder / "s3").start()
        settings = {"limits.max_active_jobs_per_user": 100, "logging.level": "warning"}
        shared = {"mongodb.uri": database.uri, "mongodb.database": f"bench_{uuid4().hex[:8]}"}
        processes = {
            "database": [database.pid],
            "object store": [store.pid],
            "broker": [broker.pid],
        }
        try:
            with closing(Fleet(folder, broker, Bucket(store), shared, settings)) as parts:
                yield parts, processes
        finally:
            for part in (broker, database, store):
                part.kill()


def _measured(url: str, book: Book, processes: Mapping[str, list[int]]) -> Measured:
    _seconds(url, book)
    measured = Measured()
    for _ in range(RUNS):
        measured.run(url, book, processes)
    return measured


def _used_s(part: str, ids: list[int]) -> float:
    """Processor time of a part until now."""
    alone_s = sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in ids)
    if part == _WORKERS:
        return alone_s
    all_s = sum(map(cpu_s, ids))
    return all_s - alone_s if part == _RENDERERS else all_s


def _seconds(url: str, book: Book) -> float:
    """From the upload of a book until its job has completed."""
    user = Client(url, "bench")
    assert user.book_id, "made before the clock starts"
    started = time.time()
    job_id = user.submit(book.pdf)
    while (job := user.job(job_id))["status"] != "completed":
        assert job["status"] != "failed", job
        time.sleep(_POLL_S)
    return datetime.fromisoformat(job["completed_at"]).timestamp() - started


def _enqueue(user: Client) -> Iterator[Row]:
    taken = enqueue_times_ms(user, user.upload(text_pdf(1)).json()["file_id"])
    yield Row(
        "enqueue p50 in a fleet",
        Figure.of([percentile(taken, 50)], "ms"),
        Target(15, 8, at_most=True),
    )
