"""The index of a chapter: an SQLite file in which FTS5 finds the pages that have all words."""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from wordai_jobs.errors import StorageFull
from wordai_jobs.search.query import Query
from wordai_jobs.search.terms import indexed

# Another number for another content: a file of another release is made again.
_FORMAT = 1
_SELECT = "SELECT rowid FROM pages WHERE pages MATCH ? AND rowid > ? ORDER BY rowid LIMIT ?"
# Of open indexes; each takes some 50 KB of memory.
_MOST_OPEN = 256
_CACHE_KB = 100

# A file that is replaced is another one.
_Version = tuple[str, int, int]


class BadIndex(Exception):
    """The file is damaged, or not of this release."""


class IndexWriter:
    """Writes an index into a new file, page by page. Only one thread may use it.

    All methods raise StorageFull and sqlite3.Error.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        # Nothing of it is kept if this fails.
        self._do("PRAGMA journal_mode = OFF")
        self._do("PRAGMA synchronous = OFF")
        self._do(f"PRAGMA cache_size = -{_CACHE_KB}")
        # Terms come separated by blanks; all that is not ASCII counts as a letter.
        self._do(
            "CREATE VIRTUAL TABLE pages "
            "USING fts5(text, content = '', columnsize = 0, tokenize = 'ascii')"
        )
        self._do("BEGIN")

    def add(self, number: int, text: str) -> None:
        """Pages are added in their order."""
        self._do("INSERT INTO pages (rowid, text) VALUES (?, ?)", number, indexed(text))

    def finish(self) -> None:
        """No page follows; the file can be used."""
        self._do(f"PRAGMA user_version = {_FORMAT}")
        self._do("COMMIT")
        self.close()

    def close(self) -> None:
        self._database.close()

    def _do(self, statement: str, *values: object) -> None:
        try:
            self._database.execute(statement, values)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise StorageFull from error
            raise


def build(path: Path, texts: Iterable[str]) -> None:
    """Write the index of these texts, those of pages 1, 2, …, into a new file.

    Raises what IndexWriter and `texts` raise.
    """
    with closing(IndexWriter(path)) as writer:
        for number, text in enumerate(texts, 1):
            writer.add(number, text)
        writer.finish()


class OpenIndexes:
    """Looks up words, and keeps the indexes that were used lately open: to open one takes ten times
    as long as to look up a word. Thread-safe.
    """

    def __init__(self, most: int = _MOST_OPEN) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._open: OrderedDict[_Version, sqlite3.Connection] = OrderedDict()

    def matching_pages(self, path: Path, query: Query, after: int, limit: int) -> list[int]:
        """The numbers of the first pages after page `after` that have all words of the query.

        Raises FileNotFoundError and BadIndex.
        """
        found = path.stat()
        version = (str(path), found.st_ino, found.st_mtime_ns)
        with self._lock:
            database = self._open.pop(version, None)
        try:
            database = database or _opened(path)
            pages = database.execute(_SELECT, (query.expression, after, limit)).fetchall()
        except sqlite3.Error as error:
            if database:
                database.close()
            raise BadIndex(str(error)) from error
        with self._lock:
            surplus = self._open.pop(version, None)  # of another thread
            self._open[version] = database
            if surplus is None and len(self._open) > self._most:
                _, surplus = self._open.popitem(last=False)
        if surplus:
            surplus.close()
        return [number for (number,) in pages]

    def close(self) -> None:
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()


def _opened(path: Path) -> sqlite3.Connection:
    """Raises BadIndex and sqlite3.Error."""
    # The file never changes, so nothing needs to be locked.
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    database = sqlite3.connect(uri, uri=True, check_same_thread=False)
    try:
        database.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        [(version,)] = database.execute("PRAGMA user_version")
        if version != _FORMAT:
            raise BadIndex(f"the format is {version}, not {_FORMAT}")
    except BaseException:
        database.close()
        raise
    return database
