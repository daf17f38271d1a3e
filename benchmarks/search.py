"""Search in a library of 100 chapters with 28,000 pages, and what an index costs."""

import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from benchmarks.books import Book, built_book
from benchmarks.figures import Figure, Row, Target, percentile
from benchmarks.service import run_book, serving, wait_for_end
from tests.support.client import Client
from tests.support.mongo import DatabaseProcess
from tests.support.pdfs import BOOK, SHARED, text_pdf
from tests.support.server import ServerProcess
from wordai_jobs.database.client import Database
from wordai_jobs.library.chapter_index import make_index
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.storage import FolderStorage

_CHAPTERS = 100
_RUNS = 2
_SEARCHES, _PER_SECOND = 200, 25
_RARE = "unicorn"


def search() -> Iterator[Row]:
    """Words of all chapters, of one and of none, alone and while two books are rendered."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        process = DatabaseProcess(Path(name)).start()
        try:
            settings: dict[str, object] = {"mongodb.uri": process.uri, "mongodb.database": "search"}
            with serving(settings) as server, closing(Database(process.uri, "search")) as database:
                yield from _measured(server, database)
        finally:
            process.kill()


def _measured(server: ServerProcess, database: Database) -> Iterator[Row]:
    book = _book()
    cpu_s = run_book(server, book).cpu_s
    user = Client(server.url, "bench")
    [original] = database.chapters.of_user("bench")
    yield _cost(server, original.chapter_id, book.pages, cpu_s)
    _fill(user, server, database, original.chapter_id)
    queries = _queries(user, original.book_id, original.chapter_id)
    yield from _rows("", [_searches(user, queries) for _ in range(_RUNS)])
    beside = []
    file_id = user.upload(built_book().pdf).json()["file_id"]
    for _ in range(_RUNS):
        jobs = [user.enqueue(file_id).json()["job_id"] for _ in range(2)]
        beside.append(_searches(user, queries))
        for job_id in jobs:
            wait_for_end(user, job_id)
    yield from _rows(" while two books render", beside)


def _book() -> Book:
    """A real book, because its index has many words; a built one if it is missing."""
    path = SHARED / BOOK
    return Book("mupdf_explored", path.read_bytes(), 285) if path.exists() else built_book()


def _cost(server: ServerProcess, chapter_id: str, pages: int, job_cpu_s: float) -> Row:
    storage = FolderStorage(DataFolder(server.data))
    shares = []
    for _ in range(5):
        before = time.process_time()
        assert make_index(storage.pages, chapter_id, pages)
        shares.append((time.process_time() - before) / job_cpu_s * 100)
    name = f"index of {pages} pages, part of the processor time of its job"
    return Row(name, Figure.of(shares, "%"), Target(5, 2.5, at_most=True))


def _fill(user: Client, server: ServerProcess, database: Database, chapter_id: str) -> None:
    """Copies of the chapter, and one other that has a word of its own."""
    original = database.chapters.find_with_pages(chapter_id)
    assert original
    folder = server.data / "chapters"
    for number in range(1, _CHAPTERS):
        copy = replace(original, chapter_id=str(uuid4()), slug=f"copy-{number}", order_index=number)
        (folder / copy.chapter_id).mkdir()
        for file in (folder / chapter_id).iterdir():
            os.link(file, folder / copy.chapter_id / file.name)
        database.chapters.insert(copy)
    wait_for_end(user, user.submit(text_pdf(1, first_line=f"A {_RARE} is rare")))


def _queries(user: Client, book_id: str, chapter_id: str) -> list[str]:
    text = user.get(f"/api/v1/books/{book_id}/chapters/{chapter_id}/text").text
    words = Counter(re.findall("[a-z]{4,}", text.lower())).most_common(10)
    common = [word for word, _ in words]
    return [common[0], " ".join(common[3:6]), _RARE, _RARE[:4], "nowhere"]


def _searches(user: Client, queries: Sequence[str]) -> list[float]:
    """How many seconds each search took."""
    taken, started = [], time.perf_counter()
    for number in range(_SEARCHES):
        time.sleep(max(0.0, started + number / _PER_SECOND - time.perf_counter()))
        before = time.perf_counter()
        query = {"q": queries[number % len(queries)]}
        user.get("/api/v1/search", params=query).raise_for_status()
        taken.append(time.perf_counter() - before)
    return taken


def _rows(when: str, runs: list[list[float]]) -> Iterator[Row]:
    for percent, target in (
        (50, Target(100, 50, at_most=True)),
        (99, Target(300, 150, at_most=True)),
    ):
        figure = Figure.of([percentile(run, percent) * 1000 for run in runs], "ms")
        yield Row(f"search in 28,000 pages, p{percent}{when}", figure, target)
