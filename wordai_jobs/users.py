"""Operations on the data of users, for their operator. A server may be running."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from wordai_jobs import maintenance, pairing
from wordai_jobs.backend import configured_storage
from wordai_jobs.clock import utc_now
from wordai_jobs.config import Config
from wordai_jobs.database.client import Database
from wordai_jobs.database.embedded import uri_of_running
from wordai_jobs.database.users import Usage
from wordai_jobs.errors import DataFolderInUse, StartError
from wordai_jobs.jobs.book_removal import BookRemoval
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.jobs.threads.orphan_sweep import Sweep
from wordai_jobs.library.quota import Quota
from wordai_jobs.model.job import JobError
from wordai_jobs.storage.storage import Storage

# A server cancels the jobs of deleted books every 5 s, and the end of a running one takes a moment.
_PATIENCE_S = 90.0
_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class _Data:
    """`has_server`: another process runs jobs, and only it can end them."""

    database: Database
    storage: Storage
    has_server: bool


def list_users(config: Config) -> list[Usage]:
    """All users of whom anything is stored. Raises StartError and DatabaseError."""
    with _data(config) as data:
        return data.database.users.all()


def usage(config: Config, user_id: str) -> Usage:
    """Raises StartError and DatabaseError."""
    with _data(config) as data:
        return data.database.users.usage(user_id)


def delete_user_data(config: Config, user_id: str) -> Usage:
    """Delete everything of a user; returns what that was.

    If it is interrupted, it can be repeated. Raises StartError, also if something is left at the
    end, StorageError and DatabaseError.
    """
    with _data(config) as data:
        database, storage = data.database, data.storage
        before = database.users.usage(user_id)
        removal = _removal(config, data)
        for book in database.books.of_user(user_id):
            database.books.delete(book.book_id, utc_now())
        if removal:
            removal.finish()
        _wait_for_the_end_of_jobs(database, user_id)
        # The records last: without them, nothing would tell that files are left.
        for chapter_id in database.users.chapter_ids(user_id):
            _check_removed(storage.pages.remove(chapter_id), user_id)
            database.chapters.remove(chapter_id)
        for file_id in database.users.file_ids(user_id):
            _check_removed(storage.uploads.remove(file_id), user_id)
            database.uploads.remove(file_id)
        database.users.remove_positions(user_id)
        database.users.remove_ended_jobs(user_id)
        if not database.users.usage(user_id).is_empty:
            raise StartError(
                f"Something of {user_id} was stored in the meantime: disable that user, and run "
                "this again"
            )
        return before


def _check_removed(is_removed: bool, user_id: str) -> None:
    if not is_removed:
        raise StartError(
            f"The object store cannot be reached, so some files of {user_id} are left; run this "
            "again"
        )


def _removal(config: Config, data: _Data) -> BookRemoval | None:
    """What removes the content of deleted books here; None if the running server does."""
    database, storage = data.database, data.storage
    quota = Quota(database, config.limits.max_stored_mb_per_user)
    if config.jobs.engine == "celery":
        from wordai_jobs.jobs.celery.fleet import Fleet

        fleet = Fleet.of(config, database, storage, JobMetrics())
        return BookRemoval(database, storage, quota, fleet.ending.fail)
    if data.has_server:
        return None
    sweep = Sweep(database, storage)

    def cancel(job_id: str, error: JobError) -> None:
        """No server runs the job, so the sweep ends it, as one of a deleted book."""
        sweep.run()

    return BookRemoval(database, storage, quota, cancel)


def _wait_for_the_end_of_jobs(database: Database, user_id: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while database.users.usage(user_id).unfinished_jobs:
        if time.monotonic() >= deadline:
            raise StartError(
                f"Jobs of {user_id} have not ended yet. The books are deleted; run this again to "
                "delete the rest"
            )
        time.sleep(_PAUSE_S)


@contextmanager
def _data(config: Config) -> Iterator[_Data]:
    """Raises StartError, also if storage and database do not belong together."""
    folder = maintenance.data_folder(config)
    with ExitStack() as stack:
        has_server = False
        try:
            stack.enter_context(maintenance.locked(folder))
        except DataFolderInUse:
            has_server = True
        if has_server and config.mongodb.uri == "embedded":
            running = Database(uri_of_running(folder.mongodb), config.mongodb.database)
            database = stack.enter_context(closing(running))
        else:
            database = stack.enter_context(maintenance.connected(config, folder))
        storage = configured_storage(config, folder)
        stack.callback(storage.close)
        problem = pairing.mismatch(storage, database)
        if problem:
            raise StartError(problem)
        yield _Data(database, storage, has_server)
