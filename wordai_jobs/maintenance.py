"""What an operator does to a server's data without starting the server."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wordai_jobs.app import configured_database
from wordai_jobs.config import Config
from wordai_jobs.database.chapters import ChapterRepository
from wordai_jobs.database.client import Database
from wordai_jobs.database.instances import InstanceRepository
from wordai_jobs.database.jobs import JobRepository
from wordai_jobs.errors import StartError
from wordai_jobs.jobs.sweep import Sweep
from wordai_jobs.model.instance import Instance
from wordai_jobs.storage.folder import DataFolder
from wordai_jobs.storage.pages import PageStore


def sweep_once(config: Config) -> int:
    """End the jobs of servers that died; returns how many. Raises DataFolderInUse, StartError and
    DatabaseError.
    """
    folder = data_folder(config)
    with opened_database(config, folder) as database:
        # This process has no heartbeat. Should it die between taking a job over and ending it, the
        # next sweep will.
        return Sweep(
            Instance.of_this_process().instance_id,
            JobRepository(database),
            ChapterRepository(database),
            InstanceRepository(database),
            PageStore(folder),
            live=lambda job_id: None,
        ).run()


def make_indexes(config: Config) -> list[str]:
    """Make the indexes that are missing or differ; returns their names. Raises what `sweep_once`
    raises.
    """
    is_embedded = config.mongodb.uri == "embedded"
    folder = data_folder(config) if is_embedded else DataFolder(Path(config.storage.data_dir))
    with opened_database(config, folder) as database:
        missing = database.missing_indexes(config.jobs.retention_days)
        database.create_indexes(config.jobs.retention_days)
        return missing


def data_folder(config: Config) -> DataFolder:
    """The folder of a server that has run; raises StartError where it is not there, or somebody
    else's.

    What is written into somebody else's folder could not be read, or removed, by the server.
    """
    folder = DataFolder(Path(config.storage.data_dir))
    if not folder.path.is_dir():
        raise StartError(
            f"The data folder {folder.path} does not exist: run this where the server runs, with its configuration"
        )
    owner = folder.path.stat().st_uid
    if owner != os.geteuid():
        raise StartError(
            f"The data folder {folder.path} belongs to {_user_name(owner)}: run this as that user"
        )
    folder.create()
    return folder


@contextmanager
def opened_database(config: Config, folder: DataFolder) -> Iterator[Database]:
    """The configured database; the embedded one is started for this, and stopped.

    Raises DataFolderInUse where a server has that already.
    """
    embedded, database = configured_database(config.mongodb, folder)
    try:
        if embedded:
            embedded.start()
        yield database
    finally:
        database.close()
        if embedded:
            embedded.stop()


def _user_name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return f"user {user_id}"
