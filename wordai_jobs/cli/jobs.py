"""Commands for users: show and control jobs, list books, get a token."""

from typing import get_args

import click

from wordai_jobs.cli.connection import Connection, connection_options, server_option
from wordai_jobs.cli.exits import Exit
from wordai_jobs.cli.output import as_json_option, print_json, print_table
from wordai_jobs.cli.watching import outcome, wait, watcher
from wordai_jobs.client import ClientError, Job, JobStatus, NotFound, dev_token
from wordai_jobs.model.job import OnBadPage


@click.command()
@click.argument("job_id")
@click.option("--watch", is_flag=True, help="Show progress until the job has ended.")
@as_json_option
@connection_options
def status(connection: Connection, job_id: str, watch: bool, as_json: bool) -> Exit:
    """Show the status of the job JOB_ID.

    The exit code is 1 if it has failed.

    \b
    Example:
      wordai-jobs status 0b6f… --watch
    """
    show = watcher(as_json)
    with connection.client(show.trouble) as client:
        job = client.job(job_id)  # a server that does not run is reported at once, not waited for
        if watch:
            job = wait(connection, client, job_id, show)
    _print_job(job, as_json)
    return outcome(job)


@click.group()
def jobs() -> None:
    """Commands for your jobs."""


@jobs.command(name="list")
@click.option(
    "--status",
    "wanted",
    type=click.Choice([status.value for status in JobStatus]),
    help="Only jobs with this status.",
)
@click.option("--book", metavar="ID", help="Only jobs of this book.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Show at most this many.",
)
@click.option("--all", "is_all", is_flag=True, help="Show all jobs; ignores --limit.")
@as_json_option
@connection_options
def list_jobs(
    connection: Connection,
    wanted: str | None,
    book: str | None,
    limit: int,
    is_all: bool,
    as_json: bool,
) -> None:
    """List your jobs, newest first.

    \b
    Example:
      wordai-jobs jobs list --status failed --limit 5
    """
    with connection.client() as client:
        found = list(
            client.jobs(
                status=JobStatus(wanted) if wanted else None,
                book_id=book,
                limit=None if is_all else limit,
            )
        )
    if as_json:
        print_json({"jobs": [job.raw for job in found]})
    else:
        print_table(
            ("JOB", "STATUS", "PROGRESS", "CREATED", "MESSAGE"), [_row(job) for job in found]
        )


@click.command()
@as_json_option
@connection_options
def books(connection: Connection, as_json: bool) -> None:
    """List your books, newest first.

    \b
    Example:
      wordai-jobs books
    """
    with connection.client() as client:
        found = client.books()
    if as_json:
        print_json({"books": [book.raw for book in found]})
    else:
        print_table(("BOOK", "TITLE"), [(book.book_id, book.title) for book in found])


@click.command()
@click.argument("job_id")
@as_json_option
@connection_options
def cancel(connection: Connection, job_id: str, as_json: bool) -> None:
    """Cancel the job JOB_ID, if it has not ended.

    \b
    Example:
      wordai-jobs cancel 0b6f…
    """
    with connection.client() as client:
        job = client.cancel(job_id)
    if as_json:
        print_json(job.raw)
    else:
        click.echo(f"Job {job_id} is cancelled")


@click.command()
@click.argument("job_id")
@click.option(
    "--wait", "is_waiting", is_flag=True, help="Show progress until the new job has ended."
)
@click.option(
    "--on-bad-page",
    type=click.Choice(get_args(OnBadPage)),
    help="A page that cannot be rendered fails the new job, or is left blank with the reason on "
    "it; as in the failed job if not given.",
)
@as_json_option
@connection_options
def retry(
    connection: Connection,
    job_id: str,
    is_waiting: bool,
    on_bad_page: OnBadPage | None,
    as_json: bool,
) -> Exit:
    """Retry the failed job JOB_ID as a new job.

    \b
    Examples:
      wordai-jobs retry 0b6f… --wait
      wordai-jobs retry 0b6f… --on-bad-page placeholder
    """
    show = watcher(as_json)
    with connection.client(show.trouble) as client:
        job = client.retry(job_id, on_bad_page)
        if not as_json:
            click.echo(f"Job {job.job_id}")
        if is_waiting:
            job = wait(connection, client, job.job_id, show)
    if is_waiting or as_json:
        _print_job(job, as_json)
    return outcome(job)


@click.command()
@click.argument("user_id")
@server_option
def token(connection: Connection, user_id: str) -> None:
    """Print a token for USER_ID, from a server in mode dev.

    \b
    Example:
      export WORDAI_TOKEN=$(wordai-jobs token alice)
    """
    try:
        click.echo(dev_token(connection.server_url, user_id))
    except NotFound as error:
        raise ClientError(
            f"The server at {connection.server_url} is not in mode dev; it needs a Firebase token"
        ) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _print_job(job: Job, as_json: bool) -> None:
    if as_json:
        print_json(job.raw)
        return
    click.echo(f"{job.status.value}  {job.progress} %  {job.message}")
    if job.chapter_id:
        click.echo(f"Chapter {job.chapter_id}")


def _row(job: Job) -> tuple[str, ...]:
    created = job.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
    return job.job_id, job.status.value, f"{job.progress:3d} %", created, job.message
