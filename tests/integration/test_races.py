"""Sweeps against jobs, and jobs against each other: each race leaves one outcome. Races of requests
are in test_job_control.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import StartServer
from tests.support.client import Client
from tests.support.leftovers import check_end, published, staged
from tests.support.pdfs import hanging_pdf, photo_pdf, text_pdf
from tests.support.waiting import wait_until
from wordai_jobs.database.chapters import ChapterRepository
from wordai_jobs.database.client import Database
from wordai_jobs.database.instances import InstanceRepository
from wordai_jobs.database.jobs import JobRepository
from wordai_jobs.jobs.sweep import Sweep
from wordai_jobs.storage.folder import DataFolder
from wordai_jobs.storage.pages import PageStore

SWEEPERS = 4


@pytest.fixture
def records(shared: dict[str, str]) -> Iterator[Database]:
    connected = Database(shared["mongodb.uri"], shared["mongodb.database"])
    yield connected
    connected.close()


def sweeps(records: Database, data: Path) -> list[Sweep]:
    """As of so many servers beside the one that has the jobs."""
    return [
        Sweep(
            str(uuid4()),
            JobRepository(records),
            ChapterRepository(records),
            InstanceRepository(records),
            PageStore(DataFolder(data)),
            lambda job_id: None,
        )
        for _ in range(SWEEPERS)
    ]


def test_a_job_of_a_living_server_is_never_swept_however_often_it_is_tried(
    start_server: StartServer,
    shared: dict[str, str],
    records: Database,
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    job_ids = [user.submit(text_pdf(20)) for _ in range(2)]

    def sweep_until_they_end(sweep: Sweep) -> int:
        swept = 0
        while JobRepository(records).active():
            swept += sweep.run()
        return swept

    with ThreadPoolExecutor(SWEEPERS) as threads:
        assert (
            list(threads.map(sweep_until_they_end, sweeps(records, server.data))) == [0] * SWEEPERS
        )
    for job_id in job_ids:
        job = user.job(job_id)
        assert job["status"] == "completed", job
        check_end(user, job)


def test_a_job_of_a_dead_server_is_swept_once_by_whoever_comes_first(
    start_server: StartServer,
    shared: dict[str, str],
    records: Database,
) -> None:
    server = start_server({**shared, "rendering.page_timeout_s": 600})
    user = Client(server.url, "somebody")
    job_ids = [user.submit(hanging_pdf()) for _ in range(3)]
    wait_until(lambda: all(user.job(job_id)["progress"] >= 30 for job_id in job_ids))
    server.kill()
    with ThreadPoolExecutor(SWEEPERS) as threads:
        swept = list(threads.map(lambda sweep: sweep.run(), sweeps(records, server.data)))
    assert sum(swept) == len(job_ids) and JobRepository(records).active() == []
    assert staged(server.data) == [] and published(server.data) == []


def test_chapters_of_one_title_that_appear_at_once_get_a_slug_each(
    start_server: StartServer,
) -> None:
    server = start_server({"jobs.workers": 8})
    user = Client(server.url, "somebody")
    assert user.book_id, "made before the threads, so that they share it"
    file_id = user.upload(photo_pdf()).json()["file_id"]
    with ThreadPoolExecutor(4) as threads:
        job_ids = [
            answer.json()["job_id"]
            for answer in threads.map(lambda _: user.enqueue(file_id), range(12))
        ]
    slugs = {user.chapter(user.end_of(job_id))["slug"] for job_id in job_ids}
    assert slugs == {"a-chapter", *(f"a-chapter-{number}" for number in range(2, 13))}
