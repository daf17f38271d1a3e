"""A fleet on this machine: one book by one worker and by two, beside the engine of one machine."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import psutil

from benchmarks.books import Book, built_book
from benchmarks.figures import Figure, Row, Target, percentile, ratio
from benchmarks.service import cpu_s, enqueue_times_ms, folder_of_this_run, serving
from tests.support.brokers import Redis
from tests.support.client import Client
from tests.support.fleet import Fleet
from tests.support.mongo import DatabaseProcess
from tests.support.objects import Bucket, S3Server
from tests.support.pdfs import text_pdf
from tests.support.processes import descendants

RUNS = 4
# Each poll asks the database, which has enough to do. The end is taken from the job.
_POLL_S = 0.25
_ENQUEUES = 15
_CORES = len(os.sched_getaffinity(0))
_WORKERS, _RENDERERS = "workers without renderers", "renderers"


@dataclass
class Measured:
    """A server or a fleet, and its figures: a value for each run. It is stopped until it is asked
    for something, so that several can be measured in turns.
    """

    url: str
    # The ids of the processes that belong to each part, without their children.
    parts: Mapping[str, list[int]]
    paces: list[float] = field(default_factory=list)
    # Milliseconds of processor time that each part takes for a page.
    costs_ms: dict[str, list[float]] = field(default_factory=dict)
    enqueued_ms: list[float] = field(default_factory=list)

    def signal(self, number: int) -> None:
        for pid in {pid for ids in self.parts.values() for pid in ids}:
            for each in (pid, *descendants(pid)):
                with suppress(ProcessLookupError):  # a renderer has just ended
                    os.kill(each, number)

    @contextmanager
    def awake(self) -> Iterator[None]:
        self.signal(signal.SIGCONT)
        yield
        self.signal(signal.SIGSTOP)

    def run(self, book: Book) -> None:
        with self.awake():
            before = {part: _used_s(part, ids) for part, ids in self.parts.items()}
            self.paces.append(book.pages / _seconds(self.url, book))
            for part, ids in self.parts.items():
                cost_ms = (_used_s(part, ids) - before[part]) / book.pages * 1000
                self.costs_ms.setdefault(part, []).append(cost_ms)

    def enqueue(self) -> None:
        with self.awake():
            user = Client(self.url, "bench")
            file_id = user.upload(text_pdf(1)).json()["file_id"]
            self.enqueued_ms.append(percentile(enqueue_times_ms(user, file_id, _ENQUEUES), 50))

    @property
    def pace(self) -> Figure:
        return Figure.of(self.paces, "pages/s")

    def allowed(self, workers: int) -> Figure:
        """How many pages the cores of this machine allow if none of them ever waits: all parts
        share them, and a worker of one process draws on one of them.
        """
        totals_ms = [sum(costs_ms) for costs_ms in zip(*self.costs_ms.values(), strict=True)]
        paces = [
            min(_CORES / total_ms, workers / drawing_ms) * 1000
            for total_ms, drawing_ms in zip(totals_ms, self.costs_ms[_RENDERERS], strict=True)
        ]
        return Figure.of(paces, "pages/s")


def fleet() -> Iterator[Row]:
    book = built_book()
    with ExitStack() as stack:
        machine = {number: stack.enter_context(_machine(number)) for number in (1, 2)}
        workers = {number: stack.enter_context(_fleet(number)) for number in (1, 2)}
        in_turns = [*machine.values(), *workers.values()]
        for each in in_turns:
            with each.awake():
                _seconds(each.url, book)
        for _ in range(RUNS):
            for each in in_turns:
                each.run(book)
            workers[1].enqueue()
    for number in (1, 2):
        yield Row(f"{book.name}: processes of one machine: {number}", machine[number].pace)
    for number in (1, 2):
        yield Row(f"{book.name}: workers of one process: {number}", workers[number].pace)
        for part, costs_ms in workers[number].costs_ms.items():
            yield Row(f"· processor time of a page: {part}", Figure.of(costs_ms, "ms"))
    one, two = workers[1], workers[2]
    yield ratio("1 worker", one.pace, "1 process", machine[1].pace, Target(0.8, 0.95))
    yield _share("1 worker", one, 1)
    # 1.7 is wanted as far as the cores allow: the next row is about that.
    yield ratio("2 workers", two.pace, "1 worker", one.pace)
    yield _share("2 workers", two, 2)
    enqueued = Figure.of(one.enqueued_ms, "ms")
    yield Row("enqueue p50 in a fleet", enqueued, Target(15, 8, at_most=True))


def _share(name: str, measured: Measured, workers: int) -> Row:
    allowed = measured.allowed(workers)
    return ratio(name, measured.pace, "what the cores allow", allowed, Target(0.85, 0.95))


@contextmanager
def _machine(processes: int) -> Iterator[Measured]:
    with (
        serving({"rendering.processes": processes}) as server,
        _stopped(Measured(server.url, {"server": [server.pid]})) as measured,
    ):
        yield measured


@contextmanager
def _fleet(workers: int) -> Iterator[Measured]:
    folder = Path(tempfile.mkdtemp(dir=folder_of_this_run().name))
    broker = Redis(folder / "redis").start()
    database = DatabaseProcess(folder / "mongo").start()
    store = S3Server(folder / "s3").start()
    settings = {"limits.max_active_jobs_per_user": 100, "logging.level": "warning"}
    shared = {"mongodb.uri": database.uri, "mongodb.database": f"bench_{uuid4().hex[:8]}"}
    try:
        with closing(Fleet(folder, broker, Bucket(store), shared, settings)) as fleet:
            server = fleet.server()
            ids = [fleet.worker().wait_until_ready().pid for _ in range(workers)]
            parts = {
                "database": [database.pid],
                "object store": [store.pid],
                "broker": [broker.pid],
                "API server": [server.pid],
                _WORKERS: ids,
                _RENDERERS: ids,
            }
            with _stopped(Measured(server.url, parts)) as measured:
                yield measured
    finally:
        for part in (broker, database, store):
            part.kill()


@contextmanager
def _stopped(measured: Measured) -> Iterator[Measured]:
    measured.signal(signal.SIGSTOP)
    try:
        yield measured
    finally:
        measured.signal(signal.SIGCONT)


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
