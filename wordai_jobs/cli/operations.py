"""The commands of an operator, on the server's machine: serve, sweep, join, create-indexes.

The server's libraries are loaded when a command runs: a user's commands do without them.
"""

import click

from wordai_jobs.cli.output import as_json_option, print_json
from wordai_jobs.cli.settings import config_option
from wordai_jobs.errors import DataFolderInUse


@click.command()
@config_option
def serve() -> None:
    """Run the server, as `python wsgi.py` does.

    SIGTERM or Ctrl-C stops it in order. A second one skips the time that running jobs get to end.

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

    The server does this itself at each start; this is for when it is not to be started.

    \b
    Example:
      wordai-jobs sweep
    """
    from wordai_jobs import maintenance
    from wordai_jobs.config import load_config

    try:
        ended, note = maintenance.sweep_once(load_config()), ""
    except DataFolderInUse:
        ended, note = 0, "a server is using this data folder, and ends such jobs itself"
    if as_json:
        print_json({"ended": ended, "note": note or None})
    elif note:
        click.echo(f"Nothing to do: {note}")
    else:
        click.echo(f"{ended} {'job' if ended == 1 else 'jobs'} ended")


@click.command()
@config_option
@click.confirmation_option(
    prompt="Have this data folder and this database belong together from now on?",
    help="Do not ask for confirmation.",
)
@as_json_option
def join(as_json: bool) -> None:
    """Have the data folder and the database belong together from now on.

    The server refuses to start on a folder and a database that do not belong together, since it
    would take the one's files or jobs for leftovers of the other. Use this if you mean it: after
    restoring a backup, or after moving the data to another database. Stop any other server that
    uses this database first; its data folder will no longer match.

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
        click.echo(f"The data folder and the database belong together: {folder_id}")


@click.command(name="create-indexes")
@config_option
@as_json_option
def create_indexes(as_json: bool) -> None:
    """Create the indexes that the database lacks.

    The server does this itself at each start.

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
