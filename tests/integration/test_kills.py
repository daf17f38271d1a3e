"""Kill -9 at random moments: every accepted job ends, and a failed one leaves nothing."""

import os
import random
import time
from collections.abc import Callable

import pytest
import requests

from tests.conftest import StartServer
from tests.support.client import Client, Json
from tests.support.leftovers import check_end, published, staged
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.processes import database, fork_server, is_alive, kill, renderers
from tests.support.server import EMBEDDED, ServerProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long_file(120)

KILLS = int(os.environ.get("SOAK_KILLS", "8"))
RENDERERS = 2
TWO_RENDERERS = {"rendering.processes": RENDERERS}
RESTARTED = "Server restarted while the job was running"


def submit_some(user: Client, files: list[str], count: int) -> list[str]:
    """The ids of jobs that were answered with 202; the server may die in between."""
    accepted = []
    for number in range(count):
        try:
            response = user.enqueue(files[number % len(files)])
        except requests.ConnectionError:
            break
        assert response.status_code in (202, 429), response.text
        if response.status_code == 202:
            accepted.append(response.json()["job_id"])
    return accepted


def check_all_ended(server: ServerProcess, user: Client, job_ids: list[str]) -> list[Json]:
    jobs = [user.end_of(job_id, 90) for job_id in job_ids]
    for job in jobs:
        check_end(user, job)
    chapters = {job["result"]["chapter_id"] for job in jobs if job["status"] == "completed"}
    assert set(published(server.data)) == chapters and staged(server.data) == []
    return jobs


@pytest.mark.parametrize(
    ("database_settings", "kills"),
    [(EMBEDDED, KILLS // 4), ({}, KILLS - KILLS // 4)],
    ids=["its database dies with it", "its database lives on"],
)
def test_no_job_is_lost_or_stuck_when_the_server_is_killed_again_and_again(
    start_server: StartServer,
    database_settings: dict[str, object],
    kills: int,
) -> None:
    chance = random.Random(20261124)
    # Large images, so that jobs are still running when the server is killed.
    settings = {"limits.max_active_jobs_per_user": 50, "rendering.dpi": 150}
    server = start_server({**database_settings, **settings})
    user = Client(server.url, "somebody")
    files = [
        user.upload(pdf).json()["file_id"] for pdf in (text_pdf(150), photo_pdf(), text_pdf(3))
    ]
    accepted: list[str] = []
    for _ in range(kills):
        accepted += submit_some(user, files, 3)
        deadline = time.monotonic() + chance.uniform(0, 0.6)
        seen = {job_id: user.job(job_id)["progress"] for job_id in accepted[-3:]}
        while time.monotonic() < deadline:
            seen.update({job_id: user.job(job_id)["progress"] for job_id in accepted[-3:]})
            time.sleep(0.02)
        server.kill()
        server.start()
        for job_id, progress in seen.items():
            assert user.job(job_id)["progress"] >= progress, "progress fell over a restart"
    jobs = check_all_ended(server, user, accepted)
    completed = [job["status"] for job in jobs].count("completed")
    failed = len(jobs) - completed
    print(f"\n{kills} kills: {len(jobs)} jobs accepted, {completed} completed, {failed} failed")
    errors = {job.get("error") for job in jobs}
    assert errors <= {None, RESTARTED} and RESTARTED in errors, errors


def all_renderers(server: ServerProcess) -> list[int]:
    """The renderers, once all are running. The inspector's child may be missing."""
    found = renderers(server)
    return found if len(found) >= RENDERERS else []


def kill_during_jobs(
    server: ServerProcess, user: Client, victims: Callable[[ServerProcess], list[int]]
) -> list[Json]:
    """Kill one victim a few times while jobs run; the outcome of the jobs."""
    chance = random.Random(7)
    file_id = user.upload(text_pdf(100)).json()["file_id"]
    accepted: list[str] = []
    for _ in range(5):
        accepted += submit_some(user, [file_id], 1)
        deadline = time.monotonic() + chance.uniform(0, 0.3)
        wait_until(lambda: time.monotonic() > deadline)
        # The oldest of all: a page that ends its child is tried once more in a new one, and two
        # kills of it would fail its job.
        victim = wait_until(lambda: victims(server), what="a process to kill")[0]
        kill(victim)
        wait_until(lambda: not is_alive(victim))
    return check_all_ended(server, user, accepted)


def test_killed_rendering_children_lose_no_job(start_server: StartServer) -> None:
    server = start_server(TWO_RENDERERS).wait_until_ready()
    jobs = kill_during_jobs(server, Client(server.url, "somebody"), all_renderers)
    assert {job["status"] for job in jobs} == {"completed"}, jobs


def test_the_process_that_children_are_forked_from_is_replaced_with_them_and_loses_no_job(
    start_server: StartServer,
) -> None:
    server = start_server(TWO_RENDERERS).wait_until_ready()
    user = Client(server.url, "somebody")
    job_id = user.submit(text_pdf(300))
    progress = 30
    for _ in range(3):
        wait_until(lambda: user.job(job_id)["progress"] > progress, what=f"{progress} %")
        for pid in fork_server(server):
            kill(pid)
        # By then, a page that was lost is done again: to lose it twice would fail its job.
        progress = user.job(job_id)["progress"] + 6
    check_all_ended(server, user, [job_id])
    assert user.job(job_id)["status"] == "completed"


def test_a_killed_embedded_database_is_started_again_and_loses_no_job(
    start_server: StartServer,
) -> None:
    server = start_server(EMBEDDED).wait_until_ready()
    user = Client(server.url, "somebody")
    file_id = user.upload(text_pdf(100)).json()["file_id"]
    accepted: list[str] = []
    for _ in range(2):
        accepted += submit_some(user, [file_id], 1)
        kill(wait_until(lambda: database(server), what="the database")[0])
        server.wait_until_ready()
    jobs = check_all_ended(server, user, accepted)
    assert {job["status"] for job in jobs} == {"completed"}, jobs
