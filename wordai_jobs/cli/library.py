"""Commands for users: read, search and care for books and their chapters."""

from dataclasses import asdict
from pathlib import Path

import click

from wordai_jobs.cli.connection import Connection, connection_options
from wordai_jobs.cli.output import as_json_option, print_json, print_table

chapter_option = click.option(
    "--chapter", "chapter_id", metavar="ID", help="This chapter of the book."
)


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
    """Find the pages of your books that have all WORDS; the last one may be incomplete.

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

    Unfinished jobs of a deleted book are cancelled. The chapters right below a deleted chapter move
    up one level. This cannot be undone.

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
