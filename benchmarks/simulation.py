"""Many workers and jobs: the real scheduling and a real database, with rendering replaced by
sleeping, and a broker that loses and doubles messages.
"""

import os
import queue
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pymongo
from pymongo import monitoring

from benchmarks.figures import Figure, Row, Target, percentile
from tests.support.mongo import DatabaseProcess
from tests.support.records import upload_of
from wordai_jobs.clock import utc_now
from wordai_jobs.config import JobsSettings
from wordai_jobs.database.client import Database
from wordai_jobs.jobs.celery.clock import FleetClock
from wordai_jobs.jobs.celery.ending import Ending
from wordai_jobs.jobs.celery.fleet import Fleet
from wordai_jobs.jobs.celery.lookout import Lookout
from wordai_jobs.jobs.celery.messages import Messages
from wordai_jobs.jobs.celery.steps import Steps
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.model.book import Book
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.job import ChapterRequest, Job, JobStatus
from wordai_jobs.model.work import Task
from wordai_jobs.rendering.task import Part
from wordai_jobs.storage.storage import NextPage, Rendering

WORKERS = int(os.environ.get("SIMULATED_WORKERS", "200"))
JOBS = int(os.environ.get("SIMULATED_JOBS", "10000"))
_PAGE_S = 0.03
_BOOK_PAGES, _PART_OF_BOOKS = 320, 0.02
# A user has four jobs running at a time, so the greedy one's part decides how long this takes.
_OTHERS, _GREEDY, _GREEDY_PART = 50, "greedy", 12
_NEWCOMER_EVERY_S = 2.0
_CONNECTIONS, _PATIENCE_S = 12, 60
_LOST, _DOUBLED = 0.01, 0.02
_SETTINGS = JobsSettings(timeout_s=3600)
_START = utc_now()


class _Broker(Messages):
    """A queue in memory that loses some messages, and doubles others."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._chance = random.Random(1)
        self.sent = 0

    def render_pages(self, job_id: str, task: Task, now: datetime) -> None:
        self._put("render_pages", job_id, task.first, task.last, now)

    def create_chapter(self, job_id: str, now: datetime) -> None:
        self._put("create_chapter", job_id)

    def find_lost_work(self, now: datetime) -> None:
        self._put("find_lost_work", now)

    def _put(self, *message: Any) -> None:
        self.sent += 1
        fate = self._chance.random()
        for _ in range(0 if fate < _LOST else 2 if fate < _LOST + _DOUBLED else 1):
            self.queue.put(message)


class _SleepingTask:
    """In place of RenderTask: a page takes its time, and nothing else."""

    def __init__(self, pages: range) -> None:
        self._pages = iter(pages)
        self._lock = threading.Lock()
        self._next, self._end = pages.start, pages.stop

    def next_page(self, timeout_s: float) -> Page | None:
        with self._lock:
            if self._next >= self._end:
                return None
            number, self._next = self._next, self._next + 1
        time.sleep(_PAGE_S)
        return Page(number, 100, 100)

    def wake(self) -> None:
        """Nobody waits."""

    def leave_off(self) -> int:
        with self._lock:
            self._end = self._next
            return self._end


class _SleepingPool:
    dpi = 150

    @contextmanager
    def rendering(
        self, part: Part, folder: Path, on_bad_page: str, pages: range
    ) -> Iterator[_SleepingTask]:
        yield _SleepingTask(pages)


class _Pages:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stage(self, chapter_id: str) -> Path:
        return self._folder

    def storing(self, chapter_id: str, rendering: Rendering) -> AbstractContextManager[NextPage]:
        return nullcontext(rendering.next_page)

    def store_index(self, chapter_id: str, build: Callable[[Path], None]) -> None:
        """Nothing is stored."""

    def size(self, chapter_id: str) -> int:
        return 1

    def remove(self, chapter_id: str) -> None:
        """Nothing is stored."""


class _Uploads:
    def fetch(
        self, file_id: str, on_progress: Callable[[float], None]
    ) -> AbstractContextManager[Path]:
        return nullcontext(Path("document.pdf"))


class _DatabaseProcess(DatabaseProcess):
    command = (sys.executable, str(Path(__file__).with_name("quick_database.py")))


class _Operations(monitoring.CommandListener):
    """Counts what the database is asked for."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.counts[event.command_name] += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Counted already."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Counted already."""


class _Metrics(JobMetrics):
    """Tells how many jobs have completed, without asking the database."""

    def __init__(self) -> None:
        super().__init__()
        self.completed_after_s: list[float] = []

    def completed(self, took_s: float) -> None:
        super().completed(took_s)
        self.completed_after_s.append(took_s)


class _Database(Database):
    """For hundreds of workers in one process: they take turns, where machines have a pool each."""

    def __init__(self, uri: str, name: str) -> None:
        self._connections = threading.BoundedSemaphore(_CONNECTIONS)
        super().__init__(uri, name)

    @contextmanager
    def translated_errors(self) -> Iterator[None]:
        with self._connections, pymongo.timeout(_PATIENCE_S), super().translated_errors():
            yield


def simulation() -> Iterator[Row]:
    """Jobs of 1 to 60 pages and some books, all taken in at once, a twelfth of them of one user;
    and a new user with one page every other second.
    """
    operations = _Operations()
    monitoring.register(operations)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        # The disk of this machine stands in for those of a replica set.
        database_process = _DatabaseProcess(Path(name) / "mongo", is_synced=False).start()
        database = _Database(database_process.uri, "simulation")
        database.indexes.create(7)
        try:
            yield from _simulate(database, Path(name))
            jobs = database.fleet.count(JobStatus.COMPLETED)
            for command, count in operations.counts.most_common(4):
                yield Row(f"database operations for each job: {command}", Figure.of([count / jobs]))
            used_s = sum(psutil.Process(database_process.pid).cpu_times()[:2])
            yield Row(
                "processor time of the database for each job", Figure.of([used_s / jobs], "s")
            )
        finally:
            database.close()
            database_process.kill()


def _simulate(database: Database, folder: Path) -> Iterator[Row]:
    metrics = _Metrics()
    broker, fleet = _fleet(database, folder, metrics)
    lookout, stopping = Lookout(fleet, _SETTINGS), threading.Event()
    fleet.clock.compare()
    unfinished: Counter[str] = Counter()

    def take_in(job: Job) -> Job:
        if not unfinished[job.user_id]:
            database.books.insert(Book(job.book_id, job.user_id, "A book", _START, _START, 0))
        work = lookout.new_work(job, unfinished[job.user_id])
        unfinished[job.user_id] += 1
        database.fleet.insert_with_work((job, work))
        if not work.waits:
            lookout.publish_first_tasks(job.job_id, job.total_pages)
        return job

    jobs = [take_in(job) for job in _jobs()]
    steps = Steps(fleet, cast(Any, _SleepingPool()), lookout)
    threads = [
        threading.Thread(target=_work, args=(broker, steps, lookout), daemon=True)
        for _ in range(WORKERS)
    ]
    threads.append(threading.Thread(target=_look_out, args=(lookout, stopping), daemon=True))
    started = time.monotonic()
    for thread in threads:
        thread.start()
    pages = sum(job.total_pages for job in jobs)
    newcomers: list[Job] = []
    while len(metrics.completed_after_s) < len(jobs) + len(newcomers):
        newcomers.append(take_in(_job(f"newcomer{len(newcomers)}", 1, "a-chapter")))
        time.sleep(_NEWCOMER_EVERY_S)
    took_s = time.monotonic() - started
    stopping.set()
    for _ in threads:
        broker.queue.put(None)
    for thread in threads:
        thread.join()
    ended = [database.fleet.find(job.job_id) for job in (*jobs, *newcomers)]
    done = [job for job in ended if job and job.status is JobStatus.COMPLETED]
    yield Row(
        f"{WORKERS} workers: jobs completed, of {len(ended)}",
        Figure.of([len(done)]),
        Target(len(ended), len(ended)),
    )
    yield Row("pages", Figure.of([pages / took_s], "pages/s"))
    yield Row("messages for each page", Figure.of([broker.sent / pages]))
    for who, users in (
        (f"{_OTHERS} users with equal parts of the others", "user"),
        (f"the user with one of {_GREEDY_PART} jobs", _GREEDY),
        ("newcomers with one page", "newcomer"),
    ):
        ages = [job.age_s for job in done if job.user_id.startswith(users)]
        for percent in (50, 99):
            yield Row(f"{who}: p{percent} to the end", Figure.of([percentile(ages, percent)], "s"))


def _fleet(database: Database, folder: Path, metrics: JobMetrics) -> tuple[_Broker, Fleet]:
    storage: Any = SimpleNamespace(
        pages=_Pages(folder),
        uploads=_Uploads(),
        folder=SimpleNamespace(staging=folder / "staging"),
        problem=lambda: None,
    )
    broker, clock = _Broker(), FleetClock(database)
    ending = Ending(database, storage, clock, metrics)
    return broker, Fleet(cast(Any, None), database, storage, broker, clock, ending, metrics)


def _jobs() -> Iterator[Job]:
    chance = random.Random(2)
    for number in range(JOBS):
        pages = _BOOK_PAGES if chance.random() < _PART_OF_BOOKS else chance.randint(1, 60)
        user = f"user{number % _OTHERS}" if number % _GREEDY_PART else _GREEDY
        yield _job(user, pages, f"chapter-{number}")


def _job(user: str, pages: int, slug: str) -> Job:
    request = ChapterRequest("A chapter", slug)
    return Job.enqueued(upload_of(user, pages), f"book of {user}", request, None)


def _work(broker: _Broker, steps: Steps, lookout: Lookout) -> None:
    while message := broker.queue.get():
        name, *arguments = message
        getattr(lookout if name == "find_lost_work" else steps, name)(*arguments)


def _look_out(lookout: Lookout, stopping: threading.Event) -> None:
    while not stopping.wait(1):
        for chore in lookout.chores:
            chore.do_if_due()
