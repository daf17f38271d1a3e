"""A clean-up that takes long does not delay the end of jobs."""

import threading
from datetime import timedelta
from pathlib import Path

from tests.support.records import upload_of
from tests.support.waiting import wait_until
from wordai_jobs.config import parse_config
from wordai_jobs.database.client import Database
from wordai_jobs.jobs.cleanup import Cleanup
from wordai_jobs.jobs.housekeeping import Housekeeper, cleanup_chores
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.jobs.threads.engine import ThreadEngine
from wordai_jobs.model.job import ChapterRequest, Job, JobStatus
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.storage import FolderStorage


class SlowCleanup(Cleanup):
    """As on a slow disk with a million files."""

    def __init__(self, database: Database, storage: FolderStorage) -> None:
        super().__init__(timedelta(days=7), database, storage)
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def remove_old_uploads(self) -> None:
        self.has_begun.set()
        self.may_end.wait()


def test_a_slow_clean_up_does_not_delay_the_sweep(database: Database, tmp_path: Path) -> None:
    storage = FolderStorage(DataFolder(tmp_path / "data"))
    storage.folder.create()
    storage.folder.set_identity("this-folder")
    engine = ThreadEngine(parse_config({}), database, storage, None, JobMetrics())  # type: ignore[arg-type]
    cleanup = SlowCleanup(database, storage)
    housekeeper = Housekeeper({"engine": engine.chores, "clean-up": cleanup_chores(cleanup, 0)})
    housekeeper.start()
    try:
        assert cleanup.has_begun.wait(30)
        orphan, other = (
            Job.enqueued(upload_of("alice"), "book", ChapterRequest("T", "t"), folder_id)
            for folder_id in ("this-folder", "another-folder")
        )
        database.jobs.insert(orphan)
        database.jobs.insert(other)
        wait_until(lambda: is_failed(database, orphan), 60, "the sweep of the orphan")
        assert not is_failed(database, other), "jobs of another data folder are left alone"
    finally:
        cleanup.may_end.set()
        housekeeper.stop()


def is_failed(database: Database, job: Job) -> bool:
    found = database.jobs.find(job.job_id)
    return found is not None and found.status is JobStatus.FAILED
