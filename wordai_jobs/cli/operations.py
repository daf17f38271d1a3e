"""Commands for operators, on the server's machine: serve, sweep, join, create-indexes.

They import the server's libraries only when they run, because commands for users do not need them.
"""

import click

from wordai_jobs.cli.output import as_json_option, print_json
from wordai_jobs.cli.settings import config_option
from wordai_jobs.errors import DataFolderInUse


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
