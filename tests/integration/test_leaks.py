"""After many jobs, of which a quarter fail, the server uses no more than before."""

import os

import psutil
import pytest

from tests.conftest import StartServer
from tests.support.client import Client
from tests.support.leftovers import files, staged
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.processes import memory_kb
from tests.support.server import ServerProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long_file(40)

JOBS = int(os.environ.get("SOAK_JOBS", "40"))
AT_ONCE = 10


def held(server: ServerProcess) -> dict[str, int]:
    process = psutil.Process(server.pid)
    return {
        "descriptors": process.num_fds(),
        "threads": process.num_threads(),
        "children": len(server.children()),
        "memory_kb": memory_kb(server.pid),
    }


def run_jobs(user: Client, good: list[str], large: str, count: int) -> list[str]:
    """Run `count` jobs, every fourth cancelled; returns how they ended."""
    ends: list[str] = []
    for start in range(0, count, AT_ONCE):
        batch = []
        for number in range(start, min(start + AT_ONCE, count)):
            is_cancelled = number % 4 == 3
            file_id = large if is_cancelled else good[number % len(good)]
            job_id = user.enqueue(file_id).json()["job_id"]
            batch.append(job_id)
            if is_cancelled:
                assert user.post(f"/api/v1/books/jobs/{job_id}/cancel").status_code == 200
        ends += [user.end_of(job_id)["status"] for job_id in batch]
    return ends


def test_no_descriptor_thread_child_or_memory_is_leaked_over_many_jobs(
    start_server: StartServer,
) -> None:
    server = start_server().wait_until_ready()
    user = Client(server.url, "somebody")
    good = [user.upload(pdf).json()["file_id"] for pdf in (photo_pdf(), text_pdf(3), text_pdf(5))]
    large = user.upload(text_pdf(100)).json()["file_id"]
    run_jobs(user, good, large, 20)
    before = held(server)
    ends = run_jobs(user, good, large, JOBS)
    assert ends.count("failed") == JOBS // 4 and ends.count("completed") == JOBS - JOBS // 4
    wait_until(
        lambda: held(server)["children"] == before["children"], what="as many children as before"
    )
    after = held(server)
    print(f"\n{JOBS} jobs, {ends.count('failed')} of them failed: {before} -> {after}")
    assert after["descriptors"] <= before["descriptors"] + 3, (before, after)
    assert after["threads"] <= before["threads"] + 2, (before, after)
    assert after["memory_kb"] < before["memory_kb"] + 20_000, (before, after)
    assert staged(server.data) == []
    assert len([name for name in files(server.data) if name.startswith("uploads")]) == 4
