"""Makes the index of a chapter from the stored text of its pages, never from the PDF."""

import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from wordai_jobs.errors import StorageError, StorageFull
from wordai_jobs.model.text import text_of_json
from wordai_jobs.search.index import IndexWriter, build
from wordai_jobs.storage.data_folder import new_file
from wordai_jobs.storage.storage import Pages, Storage

logger = logging.getLogger(__name__)


class ChapterIndex:
    """The index of a chapter that is being rendered. It grows with the pages, so that it is done
    with the last of them. Only one thread may use it.
    """

    def __init__(self, pages: Pages, chapter_id: str, page_count: int, file: Path) -> None:
        """`file` does not exist yet."""
        self._pages = pages
        self._chapter_id = chapter_id
        self._page_count = page_count
        self._file = file
        self._stored: set[int] = set()
        self._added = 0
        self._writer: IndexWriter | None = None
        self._is_usable = True

    def add(self, number: int) -> None:
        """A page is stored. It is added to the index once all pages before it are."""
        self._stored.add(number)
        try:
            while self._is_usable and self._added + 1 in self._stored:
                self._add_next()
        except (sqlite3.Error, StorageFull, StorageError) as error:
            logger.debug("chapter %s: the index is made later: %s", self._chapter_id, error)
            self._is_usable = False

    def store(self) -> None:
        """Store the index of all pages, which are stored. Raises as `make_index` does."""
        if self._is_usable and self._added == self._page_count:
            self._is_usable = False  # a second time, there is nothing to be moved
            self._pages.store_index(self._chapter_id, lambda file: os.rename(self._file, file))
        else:
            make_index(self._pages, self._chapter_id, self._page_count)

    def close(self) -> None:
        if self._writer:
            self._writer.close()

    def _add_next(self) -> None:
        self._writer = self._writer or IndexWriter(self._file)
        number = self._added + 1
        [text] = texts_of_pages(self._pages, self._chapter_id, [number])
        self._writer.add(number, text)
        if number == self._page_count:
            self._writer.finish()
        self._stored.remove(number)
        self._added = number


@contextmanager
def growing_index(storage: Storage, chapter_id: str, page_count: int) -> Iterator[ChapterIndex]:
    """The index of a chapter whose pages are about to be stored. What it needs until then is
    removed at the end.
    """
    with (
        new_file(storage.folder) as file,
        closing(ChapterIndex(storage.pages, chapter_id, page_count, file)) as index,
    ):
        yield index


def make_index(pages: Pages, chapter_id: str, page_count: int) -> bool:
    """Store an index of the chapter's pages, published or not.

    False if the index cannot be made: then there is none, and the first search tries again. Raises
    FileNotFoundError if the pages were removed, StorageFull and StorageError.
    """
    numbers = range(1, page_count + 1)
    try:
        pages.store_index(
            chapter_id, lambda file: build(file, texts_of_pages(pages, chapter_id, numbers))
        )
    except sqlite3.Error as error:
        logger.error("chapter %s: the index cannot be made: %s", chapter_id, error)
        return False
    return True


def texts_of_pages(pages: Pages, chapter_id: str, numbers: Iterable[int]) -> Iterator[str]:
    """The text of each page, one after the other; empty if the page cannot be read."""
    return map(text_of_json, pages.contents(chapter_id, numbers))
