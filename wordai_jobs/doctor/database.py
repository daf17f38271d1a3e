"""Checks the database, its identity and its indexes."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from wordai_jobs.backend import configured_storage
from wordai_jobs.client import ClientError
from wordai_jobs.config import Config
from wordai_jobs.database.client import Database
from wordai_jobs.doctor.finding import Finding, Level
from wordai_jobs.doctor.port import ask
from wordai_jobs.errors import DatabaseError, DataFolderInUse, StartError, StorageError
from wordai_jobs.maintenance import connected, data_folder, locked
from wordai_jobs.pairing import mismatch
from wordai_jobs.storage.data_folder import DataFolder


def database(config: Config) -> Iterator[Finding]:
    check, folder = "database", DataFolder(Path(config.storage.data_dir))
    try:
        if config.mongodb.uri != "embedded":
            yield from _findings_of(config, folder)
        elif folder.mongodb.exists():
            folder = data_folder(config)
            with locked(folder):
                yield from _findings_of(config, folder)
        else:
            yield _new_embedded_database(config)
    except DataFolderInUse:
        yield _database_of_running_server(config)
    except DatabaseError as error:
        advice = "start MongoDB, or correct mongodb.uri"
        yield Finding(check, Level.PROBLEM, _in_full(error), advice)
    except StartError as error:
        yield Finding(check, Level.PROBLEM, str(error))


def _findings_of(config: Config, folder: DataFolder) -> Iterator[Finding]:
    with connected(config, folder) as database:
        database.ping()
        yield Finding("database", Level.OK, "can be reached")
        yield _identity(config, folder, database)
        missing = database.indexes.missing(config.jobs.retention_days)
        if missing:
            yield Finding(
                "indexes",
                Level.WARNING,
                f"missing or different: {', '.join(missing)}",
                "the next start creates them; to create them now: wordai-jobs create-indexes",
            )
        else:
            yield Finding("indexes", Level.OK, "all exist")


def _identity(config: Config, folder: DataFolder, database: Database) -> Finding:
    check, problem = "identity", None
    try:
        if folder.path.is_dir():
            problem = mismatch(configured_storage(config, folder), database)
    except StorageError as error:
        problem = f"cannot be compared: {error.message}"
    except StartError as error:
        problem = f"cannot be compared: {error}"
    if problem:
        return Finding(check, Level.PROBLEM, problem)
    return Finding(check, Level.OK, "the database belongs to the data folder")


def _new_embedded_database(config: Config) -> Finding:
    """Try it in a temporary folder: the real one must be created by the server's user."""
    with tempfile.TemporaryDirectory(prefix="wordai-jobs-doctor-") as temporary:
        folder = DataFolder(Path(temporary))
        try:
            with locked(folder), connected(config, folder) as database:
                database.ping()
        except DatabaseError as error:
            return Finding("database", Level.PROBLEM, _in_full(error))
    return Finding(
        "database",
        Level.OK,
        "the embedded database works; the first start will create its data and indexes",
    )


def _database_of_running_server(config: Config) -> Finding:
    check = "database"
    with suppress(ClientError):
        running = ask(config.server)
        if running.is_ready:
            detail = "embedded; the running server uses it, and says that it is ready"
            return Finding(check, Level.OK, detail)
        detail = f"embedded; the running server uses it, but is not ready: {running.detail}"
        return Finding(check, Level.PROBLEM, detail)
    address = f"{config.server.host}:{config.server.port}"
    return Finding(
        check,
        Level.PROBLEM,
        f"a server is using the data folder, but does not respond on {address}",
        "stop that server if it should not run; if it should, check it with its own configuration",
    )


def _in_full(error: DatabaseError) -> str:
    """The error's message, and the driver's unless that is a whole paragraph."""
    cause = str(error.__cause__ or "")
    cause = cause.partition(", full error")[0].partition(" (configured timeouts")[0]
    return f"{error.message}: {cause}" if cause and len(cause) < 200 else error.message
