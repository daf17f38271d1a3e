"""Page images of 300 dpi: rendered when they are first asked for, from the cache, beside a book."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from benchmarks.books import built_book
from benchmarks.figures import Figure, Row, Target, percentile, ratio
from benchmarks.service import run_book, serving
from tests.support.client import Client

_IMAGES = 60
_RUNS = 3
_CLIENTS = 50


def images() -> Iterator[Row]:
    book = built_book()
    # Nothing is kept while the book runs, so that each image has to be rendered.
    for cache_mb in (500, 0):
        with serving({"storage.image_cache_mb": cache_mb}) as server:
            user = Client(server.url, "reader")
            job_id = user.submit(book.pdf)
            pages = user.chapter(user.end_of(job_id, 120))["pages"]
            addresses = [f"{server.url}{page['background_url']}&dpi=300" for page in pages]
            if cache_mb:
                yield from _alone(addresses[:_IMAGES])
                continue
            alone, beside = [], []
            for _ in range(_RUNS):
                alone.append(run_book(server, book).seconds)
                with _reading(addresses):
                    beside.append(run_book(server, book).seconds)
            yield ratio(
                f"a book while {_CLIENTS} clients ask for images of 300 dpi",
                Figure.of(beside, "s"),
                "a book alone",
                Figure.of(alone, "s"),
                Target(1.2, 1.1, at_most=True),
            )


def _alone(addresses: list[str]) -> Iterator[Row]:
    targets = {"first time": Target(300, 150, at_most=True), "from the cache": None}
    for name, target in targets.items():
        taken = [_get(address).elapsed.total_seconds() * 1000 for address in addresses]
        yield Row(
            f"image of 300 dpi, {name}, p50", Figure.of([percentile(taken, 50)], "ms"), target
        )
        yield Row(f"image of 300 dpi, {name}, p99", Figure.of([percentile(taken, 99)], "ms"))


@contextmanager
def _reading(addresses: list[str]) -> Iterator[None]:
    """Clients that each ask for one page after the other, and wait as they are told."""
    is_over = threading.Event()

    def read(client: int) -> None:
        for address in (addresses * 2)[client * 5 :]:
            while not is_over.is_set():
                response = requests.get(address, timeout=60)
                if response.status_code == 200:
                    break
                assert response.status_code == 503, response.text
                time.sleep(int(response.headers["Retry-After"]))

    threads = [threading.Thread(target=read, args=(client,)) for client in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def _get(address: str) -> requests.Response:
    response = requests.get(address, timeout=60)
    response.raise_for_status()
    return response
