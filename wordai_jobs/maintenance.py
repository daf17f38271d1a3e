"""Operations on a server's data that do not start the server."""

import os
import pwd
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path

from wordai_jobs import pairing
from wordai_jobs.backend import configured_database, configured_storage
from wordai_jobs.config import Config
from wordai_jobs.database.client import Database
from wordai_jobs.database.embedded import uri_of_running
from wordai_jobs.errors import DataFolderInUse, StartError
from wordai_jobs.jobs.threads.orphan_sweep import Sweep
from wordai_jobs.processes import embedded_database
from wordai_jobs.storage.data_folder import DataFolder


def sweep_once(config: Config) -> int:
    """End the jobs of a server that died; returns how many.

    Raises DataFolderInUse if a server is running, StartError and DatabaseError.
    """
    if config.jobs.engine == "celery":
        raise StartError(
            "With jobs.engine celery there is nothing to sweep: no job ends with its server"
        )
    folder = data_folder(config)
    storage = configured_storage(config, folder)
    with locked(folder), connected(config, folder) as database:
        pairing.pair(storage, database)
        return Sweep(database, storage).run()


def join(config: Config) -> str:
    """Make the data folder and the database belong together; returns their identity.

    Raises what `sweep_once` raises.
    """
    folder = data_folder(config)
    with locked(folder), connected(config, folder) as database:
        return pairing.join(configured_storage(config, folder), database)


def create_indexes(config: Config) -> list[str]:
    """Create the indexes that are missing or differ; returns their names.

    Raises what `sweep_once` raises, DataFolderInUse only if the database is the embedded one.
    """
    is_embedded = config.mongodb.uri == "embedded"
    folder = data_folder(config) if is_embedded else DataFolder(Path(config.storage.data_dir))
    with (
        locked(folder) if is_embedded else nullcontext(),
        connected(config, folder) as database,
    ):
        missing = database.indexes.missing(config.jobs.retention_days)
        database.indexes.create(config.jobs.retention_days)
        return missing


def data_folder(config: Config) -> DataFolder:
    """The folder of a server that has run before.

    Raises StartError if it does not exist, or belongs to another user: the server could neither
    read nor remove what is written into it.
    """
    folder = DataFolder(Path(config.storage.data_dir))
    if not folder.path.is_dir():
        raise StartError(
            f"The data folder {folder.path} does not exist: "
            "run this on the server's machine, with its configuration"
        )
    owner = folder.path.stat().st_uid
    if owner != os.geteuid():
        raise StartError(
            f"The data folder {folder.path} belongs to {_user_name(owner)}: run this as that user"
        )
    folder.create()
    return folder


@contextmanager
def locked(folder: DataFolder) -> Iterator[None]:
    """Hold the lock on the data folder. Raises DataFolderInUse if a server holds it."""
    folder.lock.acquire()
    try:
        yield
    finally:
        folder.lock.release()


@contextmanager
def connected(config: Config, folder: DataFolder) -> Iterator[Database]:
    """The configured database. The embedded one is started, and stopped at the end of the block.

    The folder of an embedded database must be locked.
    """
    embedded = embedded_database(config, folder)
    database = configured_database(config, embedded)
    try:
        if embedded:
            embedded.start()
        yield database
    finally:
        database.close()
        if embedded:
            embedded.stop()


@contextmanager
def connected_beside_server(config: Config, folder: DataFolder) -> Iterator[Database]:
    """The configured database, whether or not a server is using it.

    Raises StartError and DatabaseError.
    """
    with ExitStack() as stack:
        if config.mongodb.uri == "embedded":
            try:
                stack.enter_context(locked(folder))
            except DataFolderInUse:
                running = Database(uri_of_running(folder.mongodb), config.mongodb.database)
                yield stack.enter_context(closing(running))
                return
        yield stack.enter_context(connected(config, folder))


def _user_name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return f"user {user_id}"
