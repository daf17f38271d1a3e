"""The database and its indexes."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from wordai_jobs.client import ClientError
from wordai_jobs.config import Config
from wordai_jobs.doctor.finding import Finding, Level
from wordai_jobs.doctor.port import ask
from wordai_jobs.errors import DatabaseError, DataFolderInUse, StartError
from wordai_jobs.maintenance import connected, data_folder, locked
from wordai_jobs.pairing import mismatch
from wordai_jobs.storage.folder import DataFolder
from wordai_jobs.storage.storage import Storage


def database(config: Config) -> Iterator[Finding]:
    check = "database"
    try:
        if config.mongodb.uri != "embedded":
            yield from _findings_of(config, DataFolder(Path(config.storage.data_dir)))
        elif DataFolder(Path(config.storage.data_dir)).mongodb.exists():
            folder = data_folder(config)
            with locked(folder):
                yield from _findings_of(config, folder)
        else:
            yield _new_embedded_database(config)
    except DataFolderInUse:
        yield _database_of_running_server(config)
    except DatabaseError as error:
        yield Finding(
            check, Level.PROBLEM, _in_full(error), "start MongoDB, or correct mongodb.uri"
        )
    except StartError as error:
        yield Finding(check, Level.PROBLEM, str(error))


def _findings_of(config: Config, folder: DataFolder) -> Iterator[Finding]:
    with connected(config, folder) as database:
        database.ping()
        yield Finding("database", Level.OK, "answers")
        problem = mismatch(Storage(folder), database) if folder.path.is_dir() else None
        if problem:
            yield Finding("identity", Level.PROBLEM, problem)
        else:
            yield Finding("identity", Level.OK, "the database belongs to the data folder")
        missing = database.indexes.missing(config.jobs.retention_days)
        if missing:
            yield Finding(
                "indexes",
                Level.WARNING,
                f"missing or different: {', '.join(missing)}",
                "the next start creates them, or now: wordai-jobs create-indexes",
            )
        else:
            yield Finding("indexes", Level.OK, "all exist")


def _new_embedded_database(config: Config) -> Finding:
    """Whether the program works, tried in a temporary folder: the real one is created by the
    server's user, at its start.
    """
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
        "the embedded one works; its data and indexes will be created at the first start",
    )


def _database_of_running_server(config: Config) -> Finding:
    check = "database"
    with suppress(ClientError):
        running = ask(config.server)
        if running.is_ready:
            return Finding(
                check,
                Level.OK,
                "embedded; the running server has it, with its indexes, and says that it is ready",
            )
        return Finding(
            check,
            Level.PROBLEM,
            f"embedded; the running server has it, and is not ready: {running.detail}",
        )
    return Finding(
        check,
        Level.PROBLEM,
        f"a server has the data folder, and does not answer on {config.server.host}:{config.server.port}",
        "if that server should not run, stop it; else check it with its own configuration",
    )


def _in_full(error: DatabaseError) -> str:
    """The words, and the driver's where they are short: those of an unreachable server are a
    paragraph.
    """
    cause = (
        str(error.__cause__ or "")
        .partition(", full error")[0]
        .partition(" (configured timeouts")[0]
    )
    return f"{error.message}: {cause}" if cause and len(cause) < 200 else error.message
