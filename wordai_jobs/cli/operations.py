"""Commands for operators, on the server's machine, except `doctor`.

They import the server's libraries only when they run, because commands for users do not need them.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wordai_jobs.cli import bar
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
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    help="Tasks that are done at once. [default: 2 for each rendering process]",
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    callback=lambda context, parameter, value: _address(value) if value else None,
    help="Serve /health, /health/ready and /metrics there, for an orchestrator.",
)
def worker(concurrency: int | None, listen: tuple[str, int] | None) -> None:
    """Run a worker of the engine celery: it renders pages for all servers.

    Its settings are those of the servers; jobs.broker, mongodb, storage and rendering matter. Each
    worker of a machine needs a storage.data_dir of its own, for temporary files. SIGTERM or Ctrl-C
    lets it finish what it has in hand, which takes a few seconds.

    \b
    Example:
      wordai-jobs worker --config /etc/wordai-jobs/config.toml --listen 127.0.0.1:8001
    """
    from wordai_jobs import logs
    from wordai_jobs.config import load_config
    from wordai_jobs.errors import StartError

    config = load_config()
    if config.jobs.engine != "celery":
        raise StartError("Configuration: jobs.engine must be celery for a worker")
    logs.configure(config.logging)
    from wordai_jobs.worker import FleetWorker

    sys.exit(FleetWorker(config, concurrency, listen).run())


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter("must be HOST:PORT, such as 127.0.0.1:8001")
    return host.strip("[]"), int(port)


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


@click.command(name="move-storage")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@as_json_option
def move_storage(source: str, target: str, as_json: bool) -> None:
    """Copy all PDFs and pages between a data folder and an object store.

    FROM and TO are each a data folder, or a URL as in storage.url. First stop all servers that use
    them. Every copy is compared with the original, and nothing is removed from FROM. If this is
    interrupted, run it again: it continues. At the end, set storage.url to TO (or, for a folder,
    storage.data_dir to TO and storage.url to "") and start the servers.

    \b
    Example:
      wordai-jobs move-storage /var/lib/wordai-jobs/data s3://my-bucket/books
    """
    from wordai_jobs.storage.moving import Progress, move, place_at

    with place_at(source) as first, place_at(target) as second:
        steps = move(first, second)
        progress = next(steps, Progress(0, 0, 0, 0))
        with click.progressbar(length=progress.total, label="Copying", file=sys.stderr) as shown:
            shown.update(progress.done)
            for progress in steps:
                shown.update(progress.done - shown.pos)
    size = bar.size(progress.size)
    if as_json:
        print_json({"files": progress.total, "copied": progress.copied, "bytes": progress.size})
    else:
        click.echo(f"{progress.total} files are in {target}; {progress.copied} copied, {size}")


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
    click.echo(f"{done} the database and {content.files} files, {bar.size(content.bytes)}")
    if content.missing:
        click.echo(f"{content.missing} chapters or uploads have lost files", err=True)
