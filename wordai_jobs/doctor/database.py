"""The database and its indexes."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from wordai_jobs.app import configured_database
from wordai_jobs.client import ClientError
from wordai_jobs.config import Config
from wordai_jobs.doctor.finding import Finding, Level
from wordai_jobs.doctor.port import ask
from wordai_jobs.errors import DatabaseError, DataFolderInUse, StartError
from wordai_jobs.maintenance import data_folder, opened_database
from wordai_jobs.storage.folder import DataFolder


def database(config: Config) -> Iterator[Finding]:
    check = "database"
    try:
        if (
            config.mongodb.uri == "embedded"
            and not DataFolder(Path(config.storage.data_dir)).mongodb.exists()
        ):
            yield _new_embedded_database(config)
            return
        folder = (
            data_folder(config)
            if config.mongodb.uri == "embedded"
            else DataFolder(Path(config.storage.data_dir))
        )
        with opened_database(config, folder) as opened:
            opened.ping()
            missing = opened.missing_indexes(config.jobs.retention_days)
    except DataFolderInUse:
        yield _database_of_running_server(config)
    except DatabaseError as error:
        yield Finding(
            check, Level.PROBLEM, _in_full(error), "start MongoDB, or correct mongodb.uri"
        )
    except StartError as error:
        yield Finding(check, Level.PROBLEM, str(error))
    else:
        yield Finding(check, Level.OK, "answers")
        yield (
            Finding("indexes", Level.OK, "all are there")
            if not missing
            else Finding(
                "indexes",
                Level.WARNING,
                f"missing or different: {', '.join(missing)}",
                "the next start makes them, or now: wordai-jobs create-indexes",
            )
        )


def _new_embedded_database(config: Config) -> Finding:
    """Whether the program works, tried in a folder of its own: the real one is made by the server's
    user, at its start.
    """
    with tempfile.TemporaryDirectory(prefix="wordai-jobs-doctor-") as temporary:
        embedded, database = configured_database(config.mongodb, DataFolder(Path(temporary)))
        assert embedded
        try:
            embedded.start()
            database.ping()
        except DatabaseError as error:
            return Finding("database", Level.PROBLEM, _in_full(error))
        finally:
            database.close()
            embedded.stop()
    return Finding(
        "database",
        Level.OK,
        "the embedded one works; its data and indexes will be made at the first start",
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
    return f"{error.words}: {cause}" if cause and len(cause) < 200 else error.words
