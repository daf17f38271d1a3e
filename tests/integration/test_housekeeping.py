"""What a server does beside its jobs: a chore that takes long keeps neither the heartbeat nor a
cancellation waiting.
"""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.waiting import wait_until
from wordai_jobs.database.chapters import ChapterRepository
from wordai_jobs.database.client import Database
from wordai_jobs.database.instances import InstanceRepository
from wordai_jobs.database.jobs import JobRepository
from wordai_jobs.database.uploads import UploadRepository
from wordai_jobs.jobs.cleanup import Cleanup
from wordai_jobs.jobs.housekeeping import Housekeeper
from wordai_jobs.jobs.lease import Lease
from wordai_jobs.jobs.runner import JobRunner
from wordai_jobs.jobs.running import JobAborted, RunningJob
from wordai_jobs.jobs.sweep import Sweep
from wordai_jobs.model.instance import Instance
from wordai_jobs.model.job import ChapterRequest, Job
from wordai_jobs.storage.folder import DataFolder
from wordai_jobs.storage.pages import PageStore
from wordai_jobs.storage.uploads import UploadStore


class SlowCleanup(Cleanup):
    """As on a network file system with a million files."""

    def __init__(self, *parts: object) -> None:
        super().__init__(*parts)  # type: ignore[arg-type]
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def remove_stray_pages(self) -> None:
        self.has_begun.set()
        self.may_end.wait()


@pytest.fixture
def database(shared: dict[str, str]) -> Iterator[Database]:
    connected = Database(shared["mongodb.uri"], shared["mongodb.database"])
    connected.create_indexes(7)
    yield connected
    connected.close()


def test_a_slow_chore_keeps_neither_heartbeat_nor_cancellation_waiting(
    database: Database, tmp_path: Path
) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    instance, instances, jobs = (
        Instance.of_this_process(),
        InstanceRepository(database),
        JobRepository(database),
    )
    chapters, pages = ChapterRepository(database), PageStore(folder)
    runner = JobRunner(1, 10, run=lambda running: None, fail=lambda running, error: None)
    cleanup = SlowCleanup(
        timedelta(days=7),
        jobs,
        chapters,
        UploadRepository(database),
        instances,
        pages,
        UploadStore(folder, instance.instance_id),
    )
    sweep = Sweep(instance.instance_id, jobs, chapters, instances, pages, runner.live)
    housekeeper = Housekeeper(instance, instances, jobs, runner, sweep, cleanup, Lease())
    housekeeper.start()
    try:
        assert cleanup.has_begun.wait(10)
        job = Job.enqueued(
            "u",
            "b",
            "f",
            "a.pdf",
            1,
            instance.instance_id,
            ChapterRequest("A chapter", "a-chapter"),
        )
        running = RunningJob(job, jobs, timeout_s=60)
        runner.admit(running, 10, 0)
        jobs.insert(job)
        jobs.request_cancellation(job.job_id)
        wait_until(lambda: is_aborted(running), 10, "the cancellation")
        first = instances.all()[instance.instance_id].heartbeat_at
        wait_until(
            lambda: instances.all()[instance.instance_id].heartbeat_at > first,
            20,
            "another heartbeat",
        )
    finally:
        cleanup.may_end.set()
        housekeeper.stop()
    assert instances.all() == {}, "a server that has stopped has no place"


def is_aborted(running: RunningJob) -> bool:
    try:
        running.check()
    except JobAborted:
        return True
    return False
