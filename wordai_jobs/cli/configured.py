"""What an operator's commands need of the server's configuration, without the server."""

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wordai_jobs.errors import StartError
from wordai_jobs.storage.folder import DataFolder

if TYPE_CHECKING:  # loaded when they are used: a user's commands do without the server's libraries
    from wordai_jobs.config import Config
    from wordai_jobs.database.client import Database

Command = TypeVar("Command", bound=Callable[..., Any])


def config_option(command: Command) -> Command:
    """Adds --config, which wins over WORDAI_JOBS_CONFIG."""
    return click.option(
        "--config", "config_file", expose_value=False, callback=_use_file, metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, readable=True),
        help="The server's settings; WORDAI_JOBS_CONFIG or config.toml if not given.",
    )(command)


def data_folder(config: "Config") -> DataFolder:
    """The folder of a server that has run; raises StartError where it is not there, or somebody else's.

    What is written into somebody else's folder could not be read, or removed, by the server.
    """
    folder = DataFolder(Path(config.storage.data_dir))
    if not folder.path.is_dir():
        raise StartError(
            f"The data folder {folder.path} does not exist: run this where the server runs, with its configuration")
    owner = folder.path.stat().st_uid
    if owner != os.geteuid():
        raise StartError(f"The data folder {folder.path} belongs to {_user_name(owner)}: run this as that user")
    folder.create()
    return folder


@contextmanager
def opened_database(config: "Config", folder: DataFolder) -> Iterator["Database"]:
    """The configured database; the embedded one is started for this, and stopped.

    Raises DataFolderInUse where a server has that already.
    """
    from wordai_jobs.app import configured_database
    embedded, database = configured_database(config.mongodb, folder)
    try:
        if embedded:
            embedded.start()
        yield database
    finally:
        database.close()
        if embedded:
            embedded.stop()


def _use_file(context: click.Context, parameter: click.Parameter, path: str | None) -> None:
    from wordai_jobs.config import CONFIG_FILE_VARIABLE
    if path:
        os.environ[CONFIG_FILE_VARIABLE] = path


def _user_name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return f"user {user_id}"
