"""Workers, API servers, broker, database and store die at random moments, and no job is lost."""

import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.support.brokers import BROKERS, Broker, Redis
from tests.support.client import Client
from tests.support.fleet import Fleet, WorkerProcess
from tests.support.leftovers import check_end
from tests.support.mongo import DatabaseProcess
from tests.support.objects import Bucket, S3Server, environment_for
from tests.support.pdfs import stuck_pdf, text_pdf
from tests.support.server import ServerProcess
from tests.support.waiting import wait_until
from tests.support.wire import wire_to

pytestmark = [pytest.mark.long_file(300), pytest.mark.fleet]

# How many jobs run, and how often each part dies: FLEET_KILLS=50 is the run of docs/reliability.md.
KILLS = int(os.environ.get("FLEET_KILLS", "3"))
JOBS = 2 * KILLS
OUTAGE_S = 20 if KILLS >= 50 else 4
CUT_S = 30 if KILLS >= 50 else 5
TRANSIENT = (requests.ConnectionError, requests.Timeout)


class Parts:
    """The parts of a fleet, each of which can die."""

    def __init__(
        self, fleet: Fleet, broker: Broker, database: DatabaseProcess, store: S3Server
    ) -> None:
        self.fleet = fleet
        self.broker = broker
        self.database = database
        self.store = store
        self.chance = random.Random(20261126)

    def kill_worker(self) -> None:
        self._kill_and_start(self.chance.choice(self.fleet.workers))

    def kill_server(self) -> None:
        self._kill_and_start(self.chance.choice(self.fleet.servers))

    def lose_broker(self) -> None:
        self.broker.restart_without_data()

    def stop_database(self) -> None:
        self.database.pause()
        self._wait(OUTAGE_S)
        self.database.resume()

    def stop_store(self) -> None:
        assert self.store.process
        self.store.process.send_signal(signal.SIGSTOP)
        self._wait(OUTAGE_S)
        self.store.process.send_signal(signal.SIGCONT)

    def plan(self) -> list[Callable[[], None]]:
        """What happens, in a random order."""
        events = [
            *[self.kill_worker] * KILLS,
            *[self.kill_server] * max(1, KILLS * 2 // 5),
            *[self.lose_broker] * max(1, KILLS // 5),
            *[self.stop_database] * max(1, KILLS // 10),
            *[self.stop_store] * max(1, KILLS // 10),
        ]
        self.chance.shuffle(events)
        return events

    def pause(self) -> None:
        self._wait(self.chance.uniform(0.2, 1.5))

    def _kill_and_start(self, process: WorkerProcess | ServerProcess) -> None:
        process.kill()
        process.launch()

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() >= deadline, seconds + 10)


@pytest.fixture
def own_s3(tmp_path: Path) -> Iterator[S3Server]:
    running = S3Server(tmp_path / "s3").start()
    yield running
    running.kill()


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    running = BROKERS[request.param](tmp_path / "broker").start()
    yield running
    running.kill()


@pytest.fixture
def parts(
    tmp_path: Path, broker: Broker, mongodb: DatabaseProcess, own_s3: S3Server
) -> Iterator[Parts]:
    database = {"mongodb.uri": mongodb.uri, "mongodb.database": "fleet"}
    settings = {
        "limits.max_active_jobs_per_user": 1000,
        "rendering.page_timeout_s": 5,
        "rendering.dpi": 72,
    }
    fleet = Fleet(tmp_path / "fleet", broker, Bucket(own_s3), database, settings)
    for _ in range(2):
        fleet.worker()
        fleet.server()
    yield Parts(fleet, broker, mongodb, own_s3)
    fleet.close()


@pytest.mark.parametrize("cut_off", ["broker", "database", "store"])
def test_a_cut_between_a_worker_and_another_part_fails_no_job(
    cut_off: str, tmp_path: Path, s3: S3Server, mongodb: DatabaseProcess
) -> None:
    broker = Redis(tmp_path / "broker").start()
    database = {"mongodb.uri": mongodb.uri, "mongodb.database": "fleet"}
    fleet = Fleet(tmp_path / "fleet", broker, Bucket(s3), database)
    ports = {"broker": broker.port, "database": int(mongodb.uri.split(":")[2]), "store": s3.port}
    try:
        with wire_to(ports[cut_off]) as wire:
            ports[cut_off] = wire.port
            settings: dict[str, object] = {
                "jobs.broker": broker.url_at(ports["broker"]),
                "mongodb.uri": f"mongodb://127.0.0.1:{ports['database']}",
            }
            worker = fleet.worker(settings, environment_for(ports["store"]))
            user = Client(fleet.server().url, "somebody")
            worker.wait_until_ready()
            job_id = user.submit(text_pdf(120))
            wait_until(lambda: user.job(job_id)["progress"] > 30, 60, "the first pages")
            wire.cut()
            deadline = time.monotonic() + CUT_S
            wait_until(lambda: time.monotonic() >= deadline, CUT_S + 10)
            wire.mend()
            check_end(user, user.end_of(job_id, 120))
            assert worker.stop() == 0, worker.log[-3000:]
    finally:
        fleet.close()
        broker.kill()


def persistently_enqueue(parts: Parts, user: Client, file_id: str, key: str) -> str:
    """As a client does: the same request with the same key, to any server, until one answers."""

    def job_id() -> str | None:
        user.url = parts.chance.choice(parts.fleet.servers).url
        try:
            response = user.enqueue(file_id, headers={"Idempotency-Key": key})
        except TRANSIENT:
            return None
        return str(response.json()["job_id"]) if response.status_code == 202 else None

    return wait_until(job_id, 90, "a job to be taken in")


def test_no_job_is_lost_whatever_dies(parts: Parts) -> None:
    user = Client(parts.fleet.servers[0].url, "somebody")
    user.book_id  # noqa: B018 - created while everything works
    pdfs = (text_pdf(100), text_pdf(3), text_pdf(40), stuck_pdf(20, 30))
    files = [user.upload(pdf).json()["file_id"] for pdf in pdfs]
    job_ids: dict[str, bool] = {}
    events = parts.plan()
    for number in range(max(JOBS, len(events))):
        if number < JOBS:
            file = number % len(files)
            job_id = persistently_enqueue(parts, user, files[file], f"job {number}")
            job_ids[job_id] = file != 3
        if number < len(events):
            events[number]()
        parts.pause()
    for server in parts.fleet.servers:
        server.wait_until_ready()
    user.url = parts.fleet.servers[0].url
    chapters = set()
    for job_id, is_good in job_ids.items():
        job = user.end_of(job_id, 180)
        assert job["status"] == ("completed" if is_good else "failed"), job
        assert is_good or re.fullmatch(r"Page 21 took longer than 5 s", job["error"]), job
        check_end(user, job)
        if is_good:
            chapters.add(job["result"]["chapter_id"])
    listed = user.get(f"/api/v1/books/{user.book_id}/chapters").json()["chapters"]
    assert {chapter["chapter_id"] for chapter in listed} == chapters
    assert len(listed) == len(chapters) == sum(job_ids.values())

    def strays() -> set[str]:
        found = {key.split("/")[1] for key in parts.fleet.bucket.below("chapters/")}
        return found - chapters

    wait_until(lambda: not strays(), 120, "the store to have nothing of failed jobs")
