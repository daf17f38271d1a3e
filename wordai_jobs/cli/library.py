"""Commands for users: read and care for books and their chapters."""

import re
from dataclasses import asdict
from pathlib import Path

import click

from wordai_jobs.cli.connection import Connection, connection_options
from wordai_jobs.cli.exits import Exit
from wordai_jobs.cli.output import as_json_option, print_json, print_table
from wordai_jobs.cli.watching import outcome, wait, watcher
from wordai_jobs.client import Client, FileOutline, Part

chapter_option = click.option(
    "--chapter", "chapter_id", metavar="ID", help="This chapter of the book."
)


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
    return pdf if pdf.startswith("file_") else client.upload(Path(pdf)).file_id


def _print_outline(found: FileOutline) -> None:
    rows = [
        (str(entry.page_number), "  " * (entry.level - 1) + entry.title) for entry in found.outline
    ]
    if rows:
        print_table(("PAGE", "TITLE"), rows)
    else:
        click.echo(f"The PDF has {found.page_count} pages and no outline")


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
        book_id = book or client.create_book(new_book or "").book_id
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
    return max(outcome(job) for job in jobs)


@click.command()
@click.argument("book_id", metavar="BOOK")
@as_json_option
@connection_options
def chapters(connection: Connection, book_id: str, as_json: bool) -> None:
    """List the chapters of the book BOOK in their order.

    \b
    Example:
      wordai-jobs chapters 3f0c…
    """
    with connection.client() as client:
        found = client.chapters(book_id)
    if as_json:
        print_json({"chapters": [chapter.raw for chapter in found]})
        return
    rows = [
        (
            str(place),
            chapter.chapter_id,
            str(chapter.total_pages),
            "" if chapter.is_published else "draft",
            chapter.title,
        )
        for place, chapter in enumerate(found, 1)
    ]
    print_table(("PLACE", "CHAPTER", "PAGES", "", "TITLE"), rows)


@click.command()
@click.argument("book_id", metavar="BOOK")
@click.argument("chapter_id", metavar="CHAPTER")
@as_json_option
@connection_options
def text(connection: Connection, book_id: str, chapter_id: str, as_json: bool) -> None:
    """Print the text of the chapter CHAPTER of the book BOOK.

    \b
    Example:
      wordai-jobs text 3f0c… 91d2… > chapter.txt
    """
    with connection.client() as client:
        pages = client.text(book_id, chapter_id)
    if as_json:
        print_json({"pages": pages})
    else:
        click.echo("\n\n".join(pages))


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--book", "book_id", metavar="ID", help="Search in this book only.")
@click.option("--chapter", "chapter_id", metavar="ID", help="Search in this chapter only.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Show at most this many.",
)
@as_json_option
@connection_options
def search(
    connection: Connection,
    words: tuple[str, ...],
    book_id: str | None,
    chapter_id: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Find the pages of your books that have all WORDS; the last one may be only begun.

    \b
    Examples:
      wordai-jobs search free culture
      wordai-jobs search truong --book 3f0c…
    """
    with connection.client() as client:
        query = " ".join(words)
        found = list(client.search(query, book_id=book_id, chapter_id=chapter_id, limit=limit))
    if as_json:
        print_json({"hits": [asdict(hit) for hit in found]})
        return
    rows = [(hit.book_id, hit.chapter_id, str(hit.page_number), hit.excerpt) for hit in found]
    print_table(("BOOK", "CHAPTER", "PAGE", "EXCERPT"), rows)


@click.command()
@click.argument("book_id", metavar="BOOK")
@click.argument("chapter_id", metavar="CHAPTER")
@click.argument("place", type=click.IntRange(min=1))
@as_json_option
@connection_options
def move(connection: Connection, book_id: str, chapter_id: str, place: int, as_json: bool) -> None:
    """Move the chapter CHAPTER to PLACE in the list of the chapters of BOOK; 1 is the first.

    \b
    Example:
      wordai-jobs move 3f0c… 91d2… 1
    """
    with connection.client() as client:
        others = [each.chapter_id for each in client.chapters(book_id)]
        if chapter_id not in others:
            client.chapter(book_id, chapter_id)  # fails with the server's message
        others.remove(chapter_id)
        others.insert(place - 1, chapter_id)
        client.arrange_chapters(book_id, others)
    place = others.index(chapter_id) + 1
    if as_json:
        print_json({"chapter_id": chapter_id, "place": place})
    else:
        click.echo(f"Chapter {chapter_id} is number {place} of {len(others)}")


@click.command()
@click.argument("book_id", metavar="BOOK")
@click.argument("title")
@chapter_option
@as_json_option
@connection_options
def rename(
    connection: Connection, book_id: str, title: str, chapter_id: str | None, as_json: bool
) -> None:
    """Give the book BOOK, or a chapter of it, the title TITLE.

    \b
    Examples:
      wordai-jobs rename 3f0c… "My best book"
      wordai-jobs rename 3f0c… --chapter 91d2… "Chapter one"
    """
    with connection.client() as client:
        if chapter_id:
            raw = client.change_chapter(book_id, chapter_id, title=title).raw
        else:
            raw = client.rename_book(book_id, title).raw
    if as_json:
        print_json(raw)
    else:
        click.echo(f"{'Chapter' if chapter_id else 'Book'} is now called {raw['title']}")


@click.command()
@click.argument("book_id", metavar="BOOK")
@chapter_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@connection_options
def delete(connection: Connection, book_id: str, chapter_id: str | None, yes: bool) -> None:
    """Delete the book BOOK with all its chapters, or one chapter of it.

    Unfinished jobs of a deleted book are cancelled. The chapters right below a deleted chapter take
    its place. This cannot be undone.

    \b
    Examples:
      wordai-jobs delete 3f0c…
      wordai-jobs delete 3f0c… --chapter 91d2… --yes
    """
    with connection.client() as client:
        if chapter_id:
            title = client.chapter(book_id, chapter_id).title
            question = f"Delete the chapter {title}?"
        else:
            title, count = client.book(book_id).title, len(client.chapters(book_id))
            question = f"Delete the book {title} with its {count} chapters?"
        if not yes:
            click.confirm(question, abort=True, err=True)
        if chapter_id:
            client.delete_chapter(book_id, chapter_id)
        else:
            client.delete_book(book_id)
    click.echo(f"Deleted {title}")


@click.command()
@click.argument("file_id", metavar="FILE")
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@connection_options
def download(connection: Connection, file_id: str, path: Path) -> None:
    """Save the uploaded PDF with the id FILE (file_…) as the new file PATH.

    \b
    Example:
      wordai-jobs download file_5d1f… book.pdf
    """
    with connection.client() as client:
        client.download(file_id, path)
    click.echo(f"Saved {path}")
