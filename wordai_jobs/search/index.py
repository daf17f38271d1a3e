"""The index of a chapter: an SQLite file in which FTS5 finds the pages that have all words."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from wordai_jobs.errors import StorageFull
from wordai_jobs.search.query import Query
from wordai_jobs.search.terms import indexed

# Another number for another content: a file of another release is made again.
_FORMAT = 1


class BadIndex(Exception):
    """The file is damaged, or not of this release."""


def build(path: Path, texts: Iterable[str]) -> None:
    """Write the index of these texts, those of pages 1, 2, …, into a new file.

    Raises StorageFull, and what `texts` raises.
    """
    rows = ((number, indexed(text)) for number, text in enumerate(texts, 1))
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        # Nothing of it is kept if this fails.
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        try:
            # Terms come separated by blanks; all that is not ASCII counts as a letter.
            database.execute(
                "CREATE VIRTUAL TABLE pages "
                "USING fts5(text, content = '', columnsize = 0, tokenize = 'ascii')"
            )
            database.execute("BEGIN")
            database.executemany("INSERT INTO pages (rowid, text) VALUES (?, ?)", rows)
            database.execute(f"PRAGMA user_version = {_FORMAT}")
            database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise StorageFull from error
            raise


def matching_pages(path: Path, query: Query, after: int, limit: int) -> list[int]:
    """The numbers of the first pages after page `after` that have all words of the query.

    Raises BadIndex.
    """
    try:
        # It never changes, so nothing needs to be locked.
        uri = f"{path.as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as database:
            [(version,)] = database.execute("PRAGMA user_version")
            if version != _FORMAT:
                raise BadIndex(f"the format is {version}, not {_FORMAT}")
            found = database.execute(
                "SELECT rowid FROM pages WHERE pages MATCH ? AND rowid > ? ORDER BY rowid LIMIT ?",
                (query.expression, after, limit),
            )
            return [number for (number,) in found]
    except sqlite3.Error as error:
        raise BadIndex(str(error)) from error
