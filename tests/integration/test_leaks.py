"""Many jobs, a quarter of them failing: nothing grows."""

import os
from pathlib import Path

import pytest

from tests.conftest import StartServer
from tests.support.client import Client
from tests.support.leftovers import files, staged
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.server import ServerProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long_file(40)

JOBS = int(os.environ.get("SOAK_JOBS", "200"))
AT_ONCE = 10


def status(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{field}:")))


def held(server: ServerProcess) -> dict[str, int]:
    return {
        "descriptors": len(list(Path(f"/proc/{server.pid}/fd").iterdir())),
        "threads": status(server.pid, "Threads"),
        "children": len(server.children()),
    }


def run_jobs(user: Client, good: list[str], hanging: str, count: int) -> list[str]:
    """Run `count` jobs, every fourth cancelled; returns how they ended."""
    ends: list[str] = []
    for start in range(0, count, AT_ONCE):
        batch = []
        for number in range(start, min(start + AT_ONCE, count)):
            is_to_fail = number % 4 == 3
            job_id = user.enqueue(hanging if is_to_fail else good[number % len(good)]).json()[
                "job_id"
            ]
            batch.append(job_id)
            if is_to_fail:
                assert user.post(f"/api/v1/books/jobs/{job_id}/cancel").status_code == 200
        ends += [user.end_of(job_id)["status"] for job_id in batch]
    return ends


def test_no_descriptor_thread_child_or_memory_is_leaked_over_many_jobs(
    start_server: StartServer,
) -> None:
    server = start_server({"rendering.dpi": 72}).wait_until_ready()
    user = Client(server.url, "somebody")
    good = [user.upload(pdf).json()["file_id"] for pdf in (photo_pdf(), text_pdf(3), text_pdf(5))]
    large = user.upload(text_pdf(100)).json()["file_id"]
    run_jobs(user, good, large, 20)
    before, memory_before = held(server), status(server.pid, "VmRSS")
    ends = run_jobs(user, good, large, JOBS)
    assert ends.count("failed") == JOBS // 4 and ends.count("completed") == JOBS - JOBS // 4
    wait_until(
        lambda: held(server)["children"] == before["children"], what="as many children as before"
    )
    after, memory_after = held(server), status(server.pid, "VmRSS")
    print(
        f"\n{JOBS} jobs, {ends.count('failed')} of them failed: {before} -> {after}, {memory_before} -> {memory_after} kB"
    )
    assert after["descriptors"] <= before["descriptors"] + 3, (before, after)
    assert after["threads"] <= before["threads"] + 2, (before, after)
    assert memory_after < memory_before + 20_000, f"{memory_before} kB -> {memory_after} kB"
    assert staged(server.data) == []
    assert len([name for name in files(server.data) if name.startswith("uploads")]) == 4
