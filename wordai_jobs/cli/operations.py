"""The commands of an operator, on the server's machine: serve, sweep, create-indexes.

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

    Servers do this by themselves, at their start and every few seconds; this is for when none is to
    be started.

    \b
    Example:
      wordai-jobs sweep
    """
    from wordai_jobs.config import load_config
    from wordai_jobs.maintenance import sweep_once

    try:
        ended, note = sweep_once(load_config()), ""
    except DataFolderInUse:
        ended, note = 0, "a server is running on this data folder, and sweeps by itself"
    if as_json:
        print_json({"ended": ended, "note": note or None})
    else:
        click.echo(
            f"Nothing to do: {note}" if note else f"{ended} {'job' if ended == 1 else 'jobs'} ended"
        )


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
    from wordai_jobs.maintenance import make_indexes

    try:
        made, note = make_indexes(load_config()), ""
    except DataFolderInUse:
        made, note = [], "a server is running on this data folder, and has made them at its start"
    if as_json:
        print_json({"made": made, "note": note or None})
    elif note:
        click.echo(f"Nothing to do: {note}")
    else:
        click.echo("\n".join(f"made {name}" for name in made) or "All indexes are there")
