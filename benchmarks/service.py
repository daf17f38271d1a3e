"""The measured service: a real server process, and a user."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import psutil
import requests

from benchmarks.books import Book
from tests.support.client import Client, Json
from tests.support.server import ROOT, ServerProcess, environment
from tests.support.waiting import wait_until

_POLL_S = 0.015
_FIRST_PAGE_POLL_S = 0.01
# How often the log is looked at, which costs the server nothing.
_LOOK_S = 0.01
_JOB_TIMEOUT_S = 300.0
# A clone of an older release, which is measured beside this one in turns.
BEFORE = Path(os.environ["BENCH_BEFORE"]).resolve() if os.environ.get("BENCH_BEFORE") else None

_ENQUEUES = 40

T = TypeVar("T")


class MeasuredServer(ServerProcess):
    """The server as it runs in production, `python wsgi.py`, of this clone or of another."""

    code = ROOT

    def launch(self) -> None:
        # What the tests demand is not the default, and older releases do not know it.
        self._settings.pop("rendering.sandbox", None)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(self.code / "wsgi.py")],
                cwd=self.folder,
                env=environment(self._settings) | self._env,
                stdout=log,
                stderr=log,
            )


@contextmanager
def serving(
    settings: dict[str, object] | None = None,
    env: dict[str, str] | None = None,
    code: Path = ROOT,
) -> Iterator[ServerProcess]:
    """A warm server with the default settings and a temporary data folder."""
    folder = tempfile.mkdtemp(dir=folder_of_this_run().name)
    all_settings = {"limits.max_active_jobs_per_user": 100, **(settings or {})}
    server = MeasuredServer(Path(folder), all_settings, env)
    server.code = code
    server.start()
    try:
        yield server.wait_until_ready()
    finally:
        server.stop()


@cache
def folder_of_this_run() -> tempfile.TemporaryDirectory[str]:
    """Removed at exit, not before: for five minutes after thousands of files were deleted, ext4
    takes up to thirty times as long to make a file beside them, because it does not use their
    inodes again so soon.
    """
    return tempfile.TemporaryDirectory(prefix="bench-")


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds from a book's upload to `completed`, and from its 202 until a page could be read; the
    processor time that the server and its children used.
    """

    seconds: float
    first_page_s: float
    cpu_s: float


def run_book(server: ServerProcess, book: Book) -> Run:
    user = Client(server.url, "bench")
    assert user.book_id, "made before the clock starts"
    with completions(server) as wait_for:
        cpu_before, started = cpu_s(server.pid), time.perf_counter()
        file_id = user.upload(book.pdf).json()["file_id"]
        job_id = user.enqueue(file_id).json()["job_id"]
        accepted = time.perf_counter()
        read_first_page(user, job_id)
        first_page_s = time.perf_counter() - accepted
        wait_for(job_id)
        seconds = time.perf_counter() - started
    return Run(seconds, first_page_s, cpu_s(server.pid) - cpu_before)


@contextmanager
def completions(server: ServerProcess) -> Iterator[Callable[[str], None]]:
    """A function that waits until a job, which is enqueued from now on, has completed.

    It reads the server's log. Clients poll every 2 seconds; to see the end in time, a benchmark
    would have to poll a hundred times as often, and a poll takes a millisecond of processor time.
    """
    with open(server.log_path) as log:
        log.seek(0, os.SEEK_END)
        said = ""

        def has_completed(job_id: str) -> bool:
            nonlocal said
            said += log.read()
            assert f"job {job_id} failed" not in said, said[-2000:]
            return f"job {job_id} completed" in said

        def wait_for(job_id: str) -> None:
            _wait(lambda: has_completed(job_id), _LOOK_S)

        yield wait_for


def cpu_s(pid: int) -> float:
    """What a process, all that it has started and all that they have started have used so far."""
    total = 0.0
    top = psutil.Process(pid)
    for process in (*top.children(recursive=True), top):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def read_first_page(user: Client, job_id: str) -> bytes:
    """The image of the page that is done first."""
    with _polling(user) as get:

        def page() -> Json | None:
            pages = get(f"/api/v1/books/jobs/{job_id}/pages")["pages"]
            return pages[0] if pages else None

        found = _wait(page, _FIRST_PAGE_POLL_S)
    image = requests.get(user.url + found["background_url"], timeout=10)
    image.raise_for_status()
    return image.content


def wait_for_end(user: Client, job_id: str) -> None:
    """Poll until the job has completed."""
    with _polling(user) as get:

        def is_completed() -> bool:
            job = get(f"/api/v1/books/jobs/{job_id}")
            assert job["status"] != "failed", job
            return bool(job["status"] == "completed")

        _wait(is_completed, _POLL_S)


@contextmanager
def _polling(user: Client) -> Iterator[Callable[[str], Json]]:
    """Requests that take 0.2 ms of processor time each, which the server would lack. With the
    library requests it is 2 ms.
    """
    connection = http.client.HTTPConnection(urlsplit(user.url).netloc, timeout=10)
    headers = {"Authorization": str(user.session.headers["Authorization"])}

    def get(path: str) -> Json:
        connection.request("GET", path, headers=headers)
        response: Json = json.loads(connection.getresponse().read())
        return response

    with closing(connection):
        yield get


def _wait(condition: Callable[[], T | None], interval_s: float) -> T:
    return wait_until(condition, _JOB_TIMEOUT_S, "the benchmark's job", interval_s)


def enqueue_times_ms(user: Client, file_id: str, count: int = _ENQUEUES) -> list[float]:
    """The time until the 202 of one job after the other, in milliseconds."""
    taken = []
    for _ in range(count):
        response = user.enqueue(file_id)
        response.raise_for_status()
        taken.append(response.elapsed.total_seconds() * 1000)
        wait_for_end(user, response.json()["job_id"])
    return taken
