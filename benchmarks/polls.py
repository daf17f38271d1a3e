"""Polls per second, compared with a constant application; their latency while books render."""

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from benchmarks.books import built_book
from benchmarks.figures import Figure, Row, Target, percentile, ratio
from benchmarks.service import serving, wait_for_end
from tests.support.client import Client
from tests.support.firebase import PROJECT, Google
from tests.support.pdfs import text_pdf
from tests.support.processes import renderers
from tests.support.server import ServerProcess, free_port, wait_until_up
from tests.support.waiting import wait_until

RUNS = 4
_RUNS_OF_LATENCY = 3
_CONNECTIONS = 8
_SECONDS = 3.0
# For 3 s, while two books render.
_PACED_REQUESTS, _PACED_PER_SECOND = 150, 50


def throughput() -> Iterator[Row]:
    """Polls of a running and of an ended job in mode firebase, and the constant application."""
    running, ended, constants = [], [], []
    with tempfile.TemporaryDirectory() as folder, _firebase(Google(Path(folder))) as (server, user):
        headers = {"Authorization": str(user.session.headers["Authorization"])}
        ended_path, running_path = (
            f"/api/v1/books/jobs/{job_id}" for job_id in _two_jobs(server, user)
        )
        with constant_application(len(user.get(running_path).content)) as constant_port:
            for _ in range(RUNS):
                constants.append(requests_per_second(constant_port, "/", {}))
                running.append(requests_per_second(server.port, running_path, headers))
                ended.append(requests_per_second(server.port, ended_path, headers))
    for name, figures, target in (
        ("polls of a running job", running, Target(0.90, 1.00)),
        ("polls of an ended job", ended, Target(0.40, 0.90)),
    ):
        figure, constant = Figure.of(figures, "/s"), Figure.of(constants, "/s")
        yield Row(f"{name}, mode firebase", figure)
        yield ratio(name, figure, "the constant application", constant, target)


@contextmanager
def _firebase(google: Google) -> Iterator[tuple[ServerProcess, Client]]:
    """A server in mode firebase, and a user with a token that the server has to verify."""
    settings: dict[str, object] = {
        "auth.mode": "firebase",
        "auth.firebase_project_id": PROJECT,
        "rendering.page_timeout_s": 3600,
    }
    with serving(settings, google.environment) as server:
        yield server, Client(server.url, "alice", google.token("alice"))
    google.close()


def _two_jobs(server: ServerProcess, user: Client) -> tuple[str, str]:
    """The ids of a job that has ended, and of one that is stuck, so that it slows down no poll."""
    file_id = user.upload(text_pdf(1)).json()["file_id"]
    ended = user.enqueue(file_id).json()["job_id"]
    wait_for_end(user, ended)
    for pid in renderers(server):
        os.kill(pid, signal.SIGSTOP)
    running = user.enqueue(file_id).json()["job_id"]
    wait_until(lambda: user.job(running)["progress"] >= 30, what="a running job")
    return ended, running


def latency() -> Iterator[Row]:
    """Polls and requests to /health, 50 of each per second, while two books are rendered."""
    with serving() as server:
        user = Client(server.url, "bench")
        file_id = user.upload(built_book().pdf).json()["file_id"]
        polls, healths = [], []
        for _ in range(_RUNS_OF_LATENCY):
            jobs = [user.enqueue(file_id).json()["job_id"] for _ in range(2)]
            headers = {"Authorization": str(user.session.headers["Authorization"])}
            with ThreadPoolExecutor(2) as threads:
                poll_url = f"{server.url}/api/v1/books/jobs/{jobs[1]}"
                polling = threads.submit(paced, poll_url, headers)
                asking = threads.submit(paced, f"{server.url}/health", {})
                polls.append(polling.result())
                healths.append(asking.result())
            for job_id in jobs:
                wait_for_end(user, job_id)
    for name, runs, target in (
        ("poll", polls, Target(25, 10, at_most=True)),
        ("/health", healths, Target(50, 10, at_most=True)),
    ):
        for percent in (50, 99):
            values = [percentile(run, percent) * 1000 for run in runs]
            yield Row(
                f"{name} p{percent} while two books render",
                Figure.of(values, "ms"),
                target if percent == 99 else None,
            )


def paced(url: str, headers: dict[str, str]) -> list[float]:
    """How many seconds each request took, at 50 per second, until two books are almost done."""
    session, taken = requests.Session(), []
    started = time.perf_counter()
    for number in range(_PACED_REQUESTS):
        time.sleep(max(0.0, started + number / _PACED_PER_SECOND - time.perf_counter()))
        before = time.perf_counter()
        session.get(url, headers=headers, timeout=10).raise_for_status()
        taken.append(time.perf_counter() - before)
    return taken


def requests_per_second(port: int, path: str, headers: dict[str, str]) -> float:
    """Measured for a few seconds by a separate process, over keep-alive connections."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.load",
        str(port),
        path,
        str(_CONNECTIONS),
        str(_SECONDS),
        json.dumps(headers),
    ]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@contextmanager
def constant_application(size: int) -> Iterator[int]:
    """Runs an application with one view that returns `size` bytes of JSON, and yields its port.

    Server and number of threads are the same as in the service.
    """
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.polls", str(port), str(size)])
    try:
        wait_until_up(process, port, "/")
        yield port
    finally:
        process.terminate()
        process.wait()


def serve_constant(port: int, size: int) -> None:
    from flask import Flask, Response
    from waitress import serve

    # As the service does, because waitress warns about every burst.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    app: Any = Flask("constant")
    body = json.dumps({"constant": "x" * (size - 16)})

    @app.get("/")  # type: ignore[untyped-decorator]
    def constant() -> Response:
        return Response(body, mimetype="application/json")

    serve(app, host="127.0.0.1", port=port, threads=8)


if __name__ == "__main__":
    serve_constant(int(sys.argv[1]), int(sys.argv[2]))
