"""`wordai-jobs submit`: upload a PDF and enqueue a job for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import click

from wordai_jobs.cli.connection import Connection, connection_options
from wordai_jobs.cli.exits import Exit
from wordai_jobs.cli.output import as_json_option, print_json
from wordai_jobs.cli.watching import Watcher, outcome, wait, watcher
from wordai_jobs.client import Busy, Client, Refused
from wordai_jobs.model.job import OnBadPage, counted_pages


@click.command()
@click.argument("pdf", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option(
    "--book",
    metavar="ID",
    help="Book to add the chapter to; `wordai-jobs books` lists yours.",
)
@click.option("--new-book", metavar="TITLE", help="Create a book with this title for the chapter.")
@click.option(
    "--title", metavar="TITLE", help="Title of the chapter. Default: the name of the PDF."
)
@click.option(
    "--wait",
    "is_waiting",
    is_flag=True,
    help="Show progress until the job has ended; the exit code is 1 if it has failed.",
)
@click.option(
    "--on-bad-page",
    type=click.Choice(get_args(OnBadPage)),
    default="fail",
    show_default=True,
    help="A page that cannot be rendered fails the job, or is left blank with the reason on it.",
)
@as_json_option
@connection_options
def submit(
    connection: Connection,
    pdf: Path,
    book: str | None,
    new_book: str | None,
    title: str | None,
    on_bad_page: OnBadPage,
    is_waiting: bool,
    as_json: bool,
) -> Exit:
    """Upload PDF and make a chapter of it.

    \b
    Examples:
      wordai-jobs submit book.pdf --book 3f0c… --title "Chapter 1" --wait
      wordai-jobs submit book.pdf --new-book "My book" --title "Chapter 1" --json
    """
    if (book is None) == (new_book is None):
        raise click.UsageError("Give either --book or --new-book.")
    show = watcher(as_json)
    with connection.client(show.trouble) as client:
        title = title or pdf.stem
        file_id = _upload(client, show, pdf, book)
        with book_for_chapters(client, book, new_book) as book_id:
            job = client.enqueue(file_id, book_id, title, on_bad_page=on_bad_page)
        if not as_json:
            if book is None:
                click.echo(f"Book {book_id}")
            click.echo(f"Job {job.job_id}")
        if is_waiting:
            job = wait(connection, client, job.job_id, show)
        elif not as_json:
            click.echo(f"Watch it with: {connection.command(f'status {job.job_id} --watch')}")
    if as_json:
        print_json({"book_id": book_id, **job.raw})
    elif job.chapter_id:
        pages = counted_pages(job.total_pages or 0)
        click.echo(f"Chapter {job.chapter_id} with {pages}")
    return outcome(job)


@contextmanager
def book_for_chapters(client: Client, book: str | None, new_book: str | None) -> Iterator[str]:
    """The id of the book, or of a new one, which does not stay if the chapters are refused."""
    book_id = book or client.create_book(new_book or "").book_id
    try:
        yield book_id
    except (Refused, Busy):
        if not book:
            client.delete_book(book_id)
        raise


def _upload(client: Client, show: Watcher, pdf: Path, book: str | None) -> str:
    """Upload the PDF; returns its id. The token and the book are checked first, because an upload
    may take long.
    """
    if book:
        client.book(book)
    else:
        client.books()
    try:
        return client.upload(pdf, show.upload).file_id
    except KeyboardInterrupt:
        show.end()
        click.echo("Upload stopped; no job was created", err=True)
        raise
    finally:
        show.end()
