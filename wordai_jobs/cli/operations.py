"""The commands of an operator, on the server's machine: serve, sweep, create-indexes."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wordai_jobs.cli.configured import config_option, data_folder, opened_database
from wordai_jobs.cli.output import as_json_option, print_json
from wordai_jobs.errors import DataFolderInUse
from wordai_jobs.storage.folder import DataFolder

if TYPE_CHECKING:
    from wordai_jobs.config import Config


@click.command()
@config_option
def serve() -> None:
    """Run the server, as `python wsgi.py` does.

    It stops in order at SIGTERM or Ctrl-C; a second one cuts the grace for running jobs short.

    \b
    Example:
      wordai-jobs serve --config /etc/wordai-jobs/config.toml
    """
    from wordai_jobs.server import main
    main()


@click.command()
@config_option
@as_json_option
def sweep(as_json: bool) -> None:
    """End the jobs of servers that died, once. A living server's jobs are never touched.

    Servers do this by themselves, at their start and every few seconds; this is for when none is to be started.

    \b
    Example:
      wordai-jobs sweep
    """
    from wordai_jobs.config import load_config
    config = load_config()
    try:
        ended, note = _sweep(config, data_folder(config)), ""
    except DataFolderInUse:
        ended, note = 0, "a server is running on this data folder, and sweeps by itself"
    if as_json:
        print_json({"ended": ended, "note": note or None})
    else:
        click.echo(f"Nothing to do: {note}" if note else f"{ended} {'job' if ended == 1 else 'jobs'} ended")


@click.command(name="create-indexes")
@config_option
@as_json_option
def create_indexes(as_json: bool) -> None:
    """Make the indexes that the database lacks. The server does so too, at each start.

    \b
    Example:
      wordai-jobs create-indexes
    """
    from wordai_jobs.config import load_config
    config = load_config()
    try:
        made, note = _create_indexes(config), ""
    except DataFolderInUse:
        made, note = [], "a server is running on this data folder, and has made them at its start"
    if as_json:
        print_json({"made": made, "note": note or None})
    elif note:
        click.echo(f"Nothing to do: {note}")
    else:
        click.echo("\n".join(f"made {name}" for name in made) or "All indexes are there")


def _sweep(config: "Config", folder: DataFolder) -> int:
    from wordai_jobs.database.chapters import ChapterRepository
    from wordai_jobs.database.instances import InstanceRepository
    from wordai_jobs.database.jobs import JobRepository
    from wordai_jobs.jobs.sweep import Sweep
    from wordai_jobs.model.instance import Instance
    from wordai_jobs.storage.pages import PageStore
    with opened_database(config, folder) as database:
        # This process has no heartbeat. Should it die between taking a job over and ending it, the next sweep will.
        return Sweep(
            Instance.of_this_process().instance_id, JobRepository(database), ChapterRepository(database),
            InstanceRepository(database), PageStore(folder), live=lambda job_id: None,
        ).run()


def _create_indexes(config: "Config") -> list[str]:
    is_embedded = config.mongodb.uri == "embedded"
    folder = data_folder(config) if is_embedded else DataFolder(Path(config.storage.data_dir))
    with opened_database(config, folder) as database:
        missing = database.missing_indexes(config.jobs.retention_days)
        database.create_indexes(config.jobs.retention_days)
        return missing
