"""Commands for users: the outline of a PDF, and several chapters of one PDF."""

import re
from dataclasses import asdict
from pathlib import Path

import click

from wordai_jobs.cli.connection import Connection, connection_options
from wordai_jobs.cli.exits import Exit
from wordai_jobs.cli.output import as_json_option, print_json, print_table
from wordai_jobs.cli.submit import book_for_chapters
from wordai_jobs.cli.watching import outcome, wait, watcher
from wordai_jobs.client import Client, FileOutline, Part
from wordai_jobs.model.job import counted_pages


@click.command()
@click.argument("pdf", metavar="PDF")
@as_json_option
@connection_options
def outline(connection: Connection, pdf: str, as_json: bool) -> None:
    """Show the outline of PDF: a file, which is uploaded, or the id of an uploaded one (file_…).

    \b
    Example:
      wordai-jobs outline book.pdf
    """
    with connection.client() as client:
        file_id = uploaded(client, pdf)
        found = client.file_outline(file_id)
    if as_json:
        print_json({"file_id": file_id, **asdict(found)})
        return
    click.echo(f"File {file_id}")
    _print_outline(found)


def uploaded(client: Client, pdf: str) -> str:
    """The id of an uploaded PDF: `pdf` itself, or that of the file with this path, now uploaded."""
    is_id = pdf.startswith("file_") and not Path(pdf).exists()
    return pdf if is_id else client.upload(Path(pdf)).file_id


def _print_outline(found: FileOutline) -> None:
    rows = [
        (str(entry.page_number), "  " * (entry.level - 1) + entry.title) for entry in found.outline
    ]
    if rows:
        print_table(("PAGE", "TITLE"), rows)
    else:
        pages = counted_pages(found.page_count)
        click.echo(f"The PDF has {pages} and no outline")


def _part(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> list[Part]:
    """Raises BadParameter unless each is such as `Chapter one=1-20`."""
    parts = []
    for text in texts:
        match = re.fullmatch(r"(.+)=(\d+)-(\d+)", text)
        if match is None:
            raise click.BadParameter(f'{text!r} must be TITLE=FIRST-LAST, such as "Chapter 1=1-20"')
        parts.append(Part(match[1], int(match[2]), int(match[3])))
    return parts


@click.command()
@click.argument("pdf", metavar="PDF")
@click.option("--book", metavar="ID", help="Book to add the chapters to.")
@click.option("--new-book", metavar="TITLE", help="Create a book with this title for them.")
@click.option(
    "--part",
    "chosen",
    multiple=True,
    callback=_part,
    metavar="TITLE=FIRST-LAST",
    help="A chapter of these pages; may be repeated. Default: the entries of the outline.",
)
@click.option(
    "--level",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Level of the outline whose entries become chapters.",
)
@click.option("--wait", "is_waiting", is_flag=True, help="Show progress until all jobs have ended.")
@as_json_option
@connection_options
def parts(
    connection: Connection,
    pdf: str,
    book: str | None,
    new_book: str | None,
    chosen: list[Part],
    level: int,
    is_waiting: bool,
    as_json: bool,
) -> Exit:
    """Make several chapters of PDF: a file, which is uploaded, or the id of an uploaded one.

    Each entry of its outline becomes a chapter of the pages up to the next entry. Pages before the
    first entry are left out; use --part to choose the pages yourself.

    \b
    Examples:
      wordai-jobs parts textbook.pdf --new-book "Textbook" --wait
      wordai-jobs parts file_5d1f… --book 3f0c… --part "Preface=1-8" --part "Part 1=9-40"
    """
    if (book is None) == (new_book is None):
        raise click.UsageError("Give either --book or --new-book.")
    show = watcher(as_json)
    with connection.client(show.trouble) as client:
        file_id = uploaded(client, pdf)
        wanted = chosen or client.file_outline(file_id).parts(level)
        if not wanted:
            raise click.UsageError(f"The outline has no entries of level {level}: use --part.")
        with book_for_chapters(client, book, new_book) as book_id:
            jobs = client.from_outline(file_id, book_id, wanted)
        if not as_json:
            click.echo(f"Book {book_id}")
            for job, part in zip(jobs, wanted, strict=True):
                click.echo(
                    f"Job {job.job_id}: {part.title}, pages {part.first_page}-{part.last_page}"
                )
        if is_waiting:
            jobs = [wait(connection, client, job.job_id, show) for job in jobs]
    if as_json:
        print_json({"book_id": book_id, "jobs": [job.raw for job in jobs]})
    else:
        for job, part in zip(jobs, wanted, strict=True):
            if job.chapter_id:
                click.echo(f"Chapter {job.chapter_id}: {part.title}")
    return max(outcome(job) for job in jobs)
