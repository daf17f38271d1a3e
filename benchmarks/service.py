"""The measured service: a real server process, and a user."""

import http.client
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import requests

from benchmarks.books import Book
from tests.support.client import Client, Json
from tests.support.server import ServerProcess
from tests.support.waiting import wait_until

# Clients poll every 2 seconds. A benchmark must see the end sooner, without loading the server.
_POLL_S = 0.04
_FIRST_PAGE_POLL_S = 0.01
_JOB_TIMEOUT_S = 300.0

T = TypeVar("T")


@contextmanager
def serving(
    settings: dict[str, object] | None = None, env: dict[str, str] | None = None
) -> Iterator[ServerProcess]:
    """A warm server with the default settings and a temporary data folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        all_settings = {"limits.max_active_jobs_per_user": 100, **(settings or {})}
        server = ServerProcess(Path(folder), all_settings, env).start()
        try:
            yield server.wait_until_ready()
        finally:
            server.stop()


@dataclass(frozen=True)
class Run:
    """Seconds from a book's upload to `completed`, and from its 202 until a page could be read."""

    seconds: float
    first_page_s: float


def run_book(user: Client, book: Book) -> Run:
    started = time.perf_counter()
    file_id = user.upload(book.pdf).json()["file_id"]
    job_id = user.enqueue(file_id).json()["job_id"]
    accepted = time.perf_counter()
    read_first_page(user, job_id)
    first_page_s = time.perf_counter() - accepted
    wait_for_end(user, job_id)
    return Run(time.perf_counter() - started, first_page_s)


def read_first_page(user: Client, job_id: str) -> bytes:
    """The image of the page that is done first."""

    def page() -> Json | None:
        pages = user.get(f"/api/v1/books/jobs/{job_id}/pages").json()["pages"]
        return pages[0] if pages else None

    found = _wait(page, _FIRST_PAGE_POLL_S)
    image = requests.get(user.url + found["background_url"], timeout=10)
    image.raise_for_status()
    return image.content


def wait_for_end(user: Client, job_id: str) -> None:
    """Poll until the job has completed."""
    # A poll takes 0.2 ms of processor time, not 2 as with requests. The server would lack it.
    connection = http.client.HTTPConnection(urlsplit(user.url).netloc, timeout=10)
    headers = {"Authorization": str(user.session.headers["Authorization"])}

    def has_ended() -> bool:
        connection.request("GET", f"/api/v1/books/jobs/{job_id}", headers=headers)
        job = json.loads(connection.getresponse().read())
        assert job["status"] != "failed", job
        return bool(job["status"] == "completed")

    with closing(connection):
        _wait(has_ended, _POLL_S)


def _wait(condition: Callable[[], T | None], interval_s: float) -> T:
    return wait_until(condition, _JOB_TIMEOUT_S, "the benchmark's job", interval_s)
