"""`wordai-jobs submit`: a PDF from disk becomes a job."""

from pathlib import Path

import click

from wordai_jobs.cli.connection import Connection, connection_options
from wordai_jobs.cli.exits import Exit
from wordai_jobs.cli.output import as_json_option, print_json
from wordai_jobs.cli.watching import Watcher, outcome, wait, watcher
from wordai_jobs.client import Client, Job


@click.command()
@click.argument("pdf", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option(
    "--book",
    metavar="ID",
    help="The book that the chapter belongs to; `wordai-jobs books` lists yours.",
)
@click.option("--new-book", metavar="TITLE", help="Make a book of this title for it instead.")
@click.option("--title", metavar="TITLE", help="The chapter's title; the PDF's name if not given.")
@click.option(
    "--wait",
    "is_waiting",
    is_flag=True,
    help="Show progress until the job has ended; exit code 1 if it failed.",
)
@as_json_option
@connection_options
def submit(
    connection: Connection,
    pdf: Path,
    book: str | None,
    new_book: str | None,
    title: str | None,
    is_waiting: bool,
    as_json: bool,
) -> Exit:
    """Upload PDF and have a chapter made of it.

    \b
    Examples:
      wordai-jobs submit book.pdf --book 3f0c… --title "Chapter 1" --wait
      wordai-jobs submit book.pdf --new-book "My book" --title "Chapter 1" --json
    """
    if (book is None) == (new_book is None):
        raise click.UsageError("Either --book or --new-book is needed.")
    show = watcher(as_json)
    with connection.client(show.trouble) as client:
        book_id, job = _enqueue(client, show, pdf, title or pdf.stem, book, new_book)
        if not as_json:
            _say_enqueued(connection, job, book_id, is_new_book=book is None, is_waiting=is_waiting)
        if is_waiting:
            job = wait(connection, client, job.job_id, show)
    if as_json:
        print_json({"book_id": book_id, **job.raw})
    elif job.chapter_id:
        click.echo(
            f"Chapter {job.chapter_id} with {job.total_pages} {'page' if job.total_pages == 1 else 'pages'}"
        )
    return outcome(job)


def _enqueue(
    client: Client,
    show: Watcher,
    pdf: Path,
    title: str,
    book: str | None,
    new_book: str | None,
) -> tuple[str, Job]:
    """The token and the book are checked before the upload, which may take long; a new book is made
    after it, so that a PDF that is refused leaves none behind.
    """
    if book:
        client.book(book)
    else:
        client.books()
    try:
        file = client.upload(pdf, show.upload)
    except KeyboardInterrupt:
        show.end()
        click.echo("Upload stopped; no job was made", err=True)
        raise
    finally:
        show.end()
    book_id = book or client.create_book(new_book or title).book_id
    return book_id, client.enqueue(file.file_id, book_id, title)


def _say_enqueued(
    connection: Connection, job: Job, book_id: str, is_new_book: bool, is_waiting: bool
) -> None:
    if is_new_book:
        click.echo(f"Book {book_id}")
    click.echo(f"Job {job.job_id}")
    if not is_waiting:
        click.echo(f"Watch it with: {connection.command(f'status {job.job_id} --watch')}")
