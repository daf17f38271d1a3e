"""Requests while the database is away, and the chores of a server with years of records."""

import http.client
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pymongo

from benchmarks.figures import Figure, Row, Target, percentile
from benchmarks.service import serving, wait_for_end
from tests.support.client import Client
from tests.support.mongo import DatabaseProcess
from tests.support.pdfs import text_pdf
from tests.support.records import upload_of
from wordai_jobs.clock import utc_now
from wordai_jobs.database.client import Database
from wordai_jobs.database.jobs import to_document
from wordai_jobs.errors import DatabaseError
from wordai_jobs.jobs.cleanup import Cleanup
from wordai_jobs.jobs.threads.orphan_sweep import Sweep
from wordai_jobs.model.chapter import Chapter, Page
from wordai_jobs.model.job import ChapterRequest, Job
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.storage import FolderStorage

_POLLERS = 200
_OUTAGE_S = 15.0
_HEALTH_INTERVAL_S = 0.02
_JOBS, _UPLOADS, _CHAPTERS = 200_000, 50_000, 20_000
_RECORDING_S = 5.0
_BATCH = 10_000
_RUNS = 3


def outage() -> Iterator[Row]:
    """200 clients poll an ended job, 2 seconds after each response, while the database is away."""
    with _database_process() as database, serving({"mongodb.uri": database.uri}) as server:
        user = Client(server.url, "bench")
        job_id = user.submit(text_pdf(1))
        wait_for_end(user, job_id)
        database.pause()
        try:
            polls, healths = _taken_during_outage(user, f"/api/v1/books/jobs/{job_id}")
        finally:
            database.resume()
    away = f"while the database is away, {_POLLERS} pollers"
    yield Row(
        f"/health p99 {away}",
        Figure.of([percentile(healths, 99) * 1000], "ms"),
        Target(100, 25, at_most=True),
    )
    yield Row(f"/health longest {away}", Figure.of([max(healths) * 1000], "ms"))
    yield Row(f"poll p50 {away}", Figure.of([percentile(polls, 50) * 1000], "ms"))
    yield Row(f"poll longest {away}", Figure.of([max(polls)], "s"), Target(3, 2.7, at_most=True))


def _taken_during_outage(user: Client, path: str) -> tuple[list[float], list[float]]:
    """The seconds that each poll and each request to /health took."""
    headers = {"Authorization": str(user.session.headers["Authorization"])}
    end = time.perf_counter() + _OUTAGE_S
    polls: list[float] = []
    healths: list[float] = []

    def ask(path: str, headers: dict[str, str], taken: list[float], pause_s: float) -> None:
        with closing(http.client.HTTPConnection(urlsplit(user.url).netloc, timeout=60)) as server:
            while time.perf_counter() < end:
                before = time.perf_counter()
                server.request("GET", path, headers=headers)
                server.getresponse().read()
                taken.append(time.perf_counter() - before)
                time.sleep(pause_s)

    threads = [
        threading.Thread(target=ask, args=(path, headers, polls, 2.0)) for _ in range(_POLLERS)
    ]
    threads.append(threading.Thread(target=ask, args=("/health", {}, healths, _HEALTH_INTERVAL_S)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return polls, healths


def durability() -> Iterator[Row]:
    """Four threads record uploads as fast as they can, with a URI that asks for little, until the
    database's program is killed. What it had acknowledged is counted after its next start.
    """
    with _database_process() as process:
        database = Database(f"{process.uri}/?w=0&journal=false", "durability")
        database.indexes.create(7)
        acknowledged: list[str] = []

        def record() -> None:
            with suppress(DatabaseError):
                while True:
                    upload = replace(upload_of("bench"), file_id=str(uuid4()))
                    database.uploads.insert(upload)
                    acknowledged.append(upload.file_id)

        threads = [threading.Thread(target=record) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(_RECORDING_S)
        process.kill()
        for thread in threads:
            thread.join()
        database.close()
        process.start()
        database = Database(process.uri, "durability")
        lost = sum(database.uploads.find(file_id) is None for file_id in acknowledged)
        database.close()
    yield Row("writes acknowledged before a kill -9", Figure.of([len(acknowledged)]))
    yield Row("of these lost", Figure.of([lost]), Target(0, 0, at_most=True))


@contextmanager
def _database_process(is_synced: bool = True) -> Iterator[DatabaseProcess]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        process = DatabaseProcess(Path(folder), is_synced).start()
        try:
            yield process
        finally:
            process.kill()


def upkeep() -> Iterator[Row]:
    """The chores with 200,000 jobs, 50,000 uploads and 20,000 chapters in the embedded database.

    Every upload and every chapter has its file, and nothing is left to do: what is measured is what
    it costs to find that out.
    """
    # The chores only read here, and filling would take ten times as long if each write were synced.
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        _database_process(is_synced=False) as process,
        closing(Database(process.uri, "upkeep")) as database,
    ):
        storage = FolderStorage(DataFolder(Path(name)))
        storage.folder.create()
        storage.folder.set_identity("bench")
        database.identity.replace("bench")
        _fill(process.uri, storage)
        database.indexes.create(7)
        later = utc_now() + timedelta(hours=2)
        sweep = Sweep(database, storage)
        cleanup = Cleanup(timedelta(days=7), database, storage, now=lambda: later)
        yield Row("sweep of 200,000 ended jobs", Figure.of(_milliseconds(sweep.run, _RUNS), "ms"))
        chores = (cleanup.remove_old_uploads, cleanup.remove_strays, cleanup.empty_trash)
        for which, runs in (("first", 1), ("next", _RUNS)):
            for chore in chores:
                label = chore.__name__.replace("_", " ")
                yield Row(f"{label}, {which} run", Figure.of(_milliseconds(chore, runs), "ms"))


def _fill(uri: str, storage: FolderStorage) -> None:
    now = utc_now()
    upload = upload_of("bench")
    expiring = replace(upload, expires_at=now + timedelta(days=7))
    job = Job.enqueued(upload, "book", ChapterRequest("T", "t"), "bench").fetching().written()
    chapter = Chapter("", "book", "bench", now, now, "T", pages=(Page(1, 1240, 1754),))
    file_ids = [f"file_{number}" for number in range(_UPLOADS)]
    chapter_ids = [str(uuid4()) for _ in range(_CHAPTERS)]
    for file_id in file_ids:
        storage.uploads.path(file_id).touch()
    for chapter_id in chapter_ids:
        (storage.folder.chapters / chapter_id).mkdir()
    jobs = (
        {"job_id": str(uuid4()), "chapter_id": str(uuid4()), "file_id": file_ids[n % _UPLOADS]}
        for n in range(_JOBS)
    )
    uploads = ({"file_id": file_id} for file_id in file_ids)
    chapters = (
        {"chapter_id": chapter_id, "slug": chapter_id, "file_id": file_id}
        for chapter_id, file_id in zip(chapter_ids, file_ids, strict=False)
    )
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        for name, document, differences in (
            ("pdf_chapter_jobs", to_document(job.completed()), jobs),
            ("user_files", asdict(expiring), uploads),
            ("book_chapters", asdict(chapter), chapters),
        ):
            while batch := [document | own for own in islice(differences, _BATCH)]:
                client["upkeep"][name].insert_many(batch, ordered=False)


def _milliseconds(chore: Callable[[], object], runs: int) -> list[float]:
    """How many milliseconds each run took."""
    taken = []
    for _ in range(runs):
        before = time.perf_counter()
        chore()
        taken.append((time.perf_counter() - before) * 1000)
    return taken
