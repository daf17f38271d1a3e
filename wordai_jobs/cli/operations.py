"""Commands for operators, on the server's machine, except `doctor`.

They import the server's libraries only when they run, because commands for users do not need them.
"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wordai_jobs.cli.output import as_json_option, print_json
from wordai_jobs.cli.settings import config_option
from wordai_jobs.errors import DataFolderInUse

if TYPE_CHECKING:
    from wordai_jobs.backup import Content


@click.command()
@config_option
def serve() -> None:
    """Run the server, as `python wsgi.py` does.

    SIGTERM or Ctrl-C stops it in order. A second one ends the time that running jobs get to finish.

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
    """End the jobs of a server that died.

    The server does this by itself at each start. Use this command if you do not want to start it.

    \b
    Example:
      wordai-jobs sweep
    """
    from wordai_jobs import maintenance
    from wordai_jobs.config import load_config

    try:
        ended, note = maintenance.sweep_once(load_config()), ""
    except DataFolderInUse:
        ended, note = 0, "a server is using this data folder, and ends such jobs by itself"
    if as_json:
        print_json({"ended": ended, "note": note or None})
    elif note:
        click.echo(f"Nothing to do: {note}")
    else:
        click.echo(f"{ended} {'job' if ended == 1 else 'jobs'} ended")


@click.command()
@config_option
@click.confirmation_option(
    prompt="Make this data folder and this database belong together?",
    help="Do not ask for confirmation.",
)
@as_json_option
def join(as_json: bool) -> None:
    """Make the data folder and the database belong together.

    The server does not start if its data folder and its database do not belong together, because
    it would mistake the files of one, or the jobs of the other, for leftovers. Use this command
    after you have moved the data to another database, or restored only one of the two from a
    backup. First stop any other server that uses this database: its data folder will no longer
    match.

    \b
    Example:
      wordai-jobs join --yes
    """
    from wordai_jobs import maintenance
    from wordai_jobs.config import load_config

    folder_id = maintenance.join(load_config())
    if as_json:
        print_json({"identity": folder_id})
    else:
        click.echo(f"The data folder and the database belong together now: {folder_id}")


@click.command(name="create-indexes")
@config_option
@as_json_option
def create_indexes(as_json: bool) -> None:
    """Create the indexes that the database does not have.

    The server does this by itself at each start.

    \b
    Example:
      wordai-jobs create-indexes
    """
    from wordai_jobs import maintenance
    from wordai_jobs.config import load_config

    try:
        created, note = maintenance.create_indexes(load_config()), ""
    except DataFolderInUse:
        created, note = [], "a server is using this data folder, and has created them at its start"
    if as_json:
        print_json({"created": created, "note": note or None})
    elif note:
        click.echo(f"Nothing to do: {note}")
    else:
        click.echo("\n".join(f"created {name}" for name in created) or "All indexes exist")


@click.command()
@config_option
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--no-files", is_flag=True, help="Back up the database alone.")
@as_json_option
def backup(folder: Path, no_files: bool, as_json: bool) -> None:
    """Write the database, and the files that belong to it, into the new folder DIR.

    This works while the server runs. Every chapter in the backup has all its pages. Jobs that are
    running are recorded as unfinished, and a restored server ends them.

    \b
    Example:
      wordai-jobs backup /backup/2026-02-08
    """
    from wordai_jobs.backup import backup
    from wordai_jobs.config import load_config

    _print_content("backed up", backup(load_config(), folder, with_files=not no_files), as_json)


@click.command()
@config_option
@click.argument(
    "folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--replace",
    is_flag=True,
    help="Remove all records first, and move files that are in the way to trash/.",
)
@as_json_option
def restore(folder: Path, replace: bool, as_json: bool) -> None:
    """Put the backup in the folder DIR into the configured database and data folder.

    The server must not run. The database and the data folder must be empty, unless you use
    --replace. The database may be of another kind than the one that was backed up.

    \b
    Example:
      wordai-jobs restore /backup/2026-02-08
    """
    from wordai_jobs.backup import restore
    from wordai_jobs.config import load_config

    _print_content("restored", restore(load_config(), folder, replace=replace), as_json)


def _print_content(done: str, content: "Content", as_json: bool) -> None:
    if as_json:
        print_json(asdict(content))
        return
    megabytes = content.bytes / 1_000_000
    click.echo(f"{done} the database and {content.files} files, {megabytes:.1f} MB")
    if content.missing:
        click.echo(f"{content.missing} chapters or uploads have lost files", err=True)
