"""Two servers on one database and one data folder: neither fails the other's jobs, the survivor
ends those of a dead one.
"""

import signal
import time
from pathlib import Path

import pytest

from tests.conftest import StartServer
from tests.integration.conftest import Records
from tests.support.client import Client
from tests.support.held import hanging_job
from tests.support.leftovers import check_end, published, staged
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.server import ServerProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long_file(90)

RESTARTED = "Server restarted while the job was running"


class Pair:
    """Starts servers that share everything."""

    def __init__(self, start: StartServer, folder: Path, database: dict[str, str]) -> None:
        self.data = folder / "shared-data"
        self._start = start
        self._settings = {
            **database,
            "storage.data_dir": str(self.data),
            "rendering.page_timeout_s": 120,
            "server.secret_key": "the same on both",
        }

    def server(self, settings: dict[str, object] | None = None) -> ServerProcess:
        running = self._start({**self._settings, **(settings or {})})
        running.data = self.data
        return running


@pytest.fixture
def pair(start_server: StartServer, tmp_path: Path, shared: dict[str, str]) -> Pair:
    return Pair(start_server, tmp_path, shared)


def test_a_server_that_starts_or_stops_beside_another_leaves_its_jobs_alone(pair: Pair) -> None:
    first = pair.server({"rendering.processes": 2})  # one for each of its jobs
    user = Client(first.url, "somebody")
    hanging, book = hanging_job(user, first), user.submit(text_pdf(80))
    second = pair.server()
    there = Client(second.url, "somebody")
    assert there.job(hanging)["status"] == "processing"
    assert second.stop() == 0
    third = pair.server()
    third.kill()
    check_end(user, user.end_of(book))
    assert user.job(book)["status"] == "completed"
    assert user.job(hanging)["status"] == "processing", user.job(hanging)


def test_the_survivor_ends_the_jobs_of_a_server_that_was_killed(pair: Pair) -> None:
    first, second = pair.server(), pair.server()
    user, there = Client(first.url, "somebody"), Client(second.url, "somebody")
    hanging, own = hanging_job(user, first), hanging_job(there, second)
    first.kill()
    job = there.end_of(hanging, 30)
    assert job["error"] == RESTARTED and there.job(own)["status"] == "processing"
    assert len(staged(pair.data)) == 1, "the pages of the living job only"


def test_a_job_counts_at_the_other_server_and_is_cancelled_through_it(pair: Pair) -> None:
    first, second = (pair.server({"limits.max_active_jobs_per_user": 1}) for _ in range(2))
    user, there = Client(first.url, "somebody"), Client(second.url, "somebody")
    file_id = there.upload(photo_pdf()).json()["file_id"]
    job_id = hanging_job(user, first)
    assert there.enqueue(file_id).json() == {
        "detail": "You have 1 job that has not ended, which is the limit"
    }
    response = there.post(f"/api/v1/books/jobs/{job_id}/cancel")
    assert response.status_code == 200 and response.json()["error"] == "Cancelled by user"
    assert staged(pair.data) == [] and user.job(job_id)["error"] == "Cancelled by user"
    assert there.enqueue(file_id).status_code == 202


def test_images_signed_by_one_server_are_shown_by_the_other(pair: Pair) -> None:
    first, second = pair.server(), pair.server()
    user = Client(first.url, "somebody")
    chapter = user.chapter(user.end_of(user.submit(photo_pdf())))
    assert (
        user.session.get(second.url + chapter["pages"][0]["background_url"], timeout=10).status_code
        == 200
    )


def test_a_server_that_was_paused_past_its_lease_writes_nothing_to_jobs_that_were_swept(
    pair: Pair,
    records: Records,
) -> None:
    """Servers see on one machine that a paused one lives, so the second is made to believe it is on
    another machine.
    """
    first = pair.server()
    user = Client(first.url, "somebody")
    file_id = user.upload(text_pdf(200)).json()["file_id"]
    job_id = user.enqueue(file_id).json()["job_id"]
    wait_until(lambda: user.job(job_id)["progress"] > 30)
    assert first.process
    first.process.send_signal(signal.SIGSTOP)
    make_it_look_remote(records)
    second = pair.server()
    there = Client(second.url, "somebody")
    job = there.end_of(job_id, 60)
    assert job["error"] == RESTARTED
    first.process.send_signal(signal.SIGCONT)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        assert user.job(job_id) == job, "the server that was swept still speaks for the job"
        time.sleep(0.05)
    wait_until(
        lambda: staged(pair.data) == [] and published(pair.data) == [],
        30,
        "the removal of its pages",
    )
    assert there.job(job_id) == job


def make_it_look_remote(records: Records) -> None:
    """Change the recorded machine of every server, as if it ran elsewhere."""
    assert (
        records["server_instances"]
        .update_many({}, {"$set": {"machine": "elsewhere"}})
        .matched_count
    )
