"""Makes the index of a chapter from the stored text of its pages, never from the PDF."""

import logging
import sqlite3
from collections.abc import Callable, Iterator

from wordai_jobs.model.text import text_of_json
from wordai_jobs.search.index import build
from wordai_jobs.storage.storage import Pages

logger = logging.getLogger(__name__)


def make_index(
    pages: Pages, chapter_id: str, page_count: int, check: Callable[[], None] = lambda: None
) -> bool:
    """Store an index of the chapter's pages, published or not.

    `check` is called before each page, and may raise. False if the index cannot be made: then there
    is none, and the first search tries again. Raises FileNotFoundError if the pages were removed,
    StorageFull and StorageError.
    """
    try:
        pages.store_index(
            chapter_id,
            lambda path: build(path, texts_of_pages(pages, chapter_id, page_count, check)),
        )
    except sqlite3.Error as error:
        logger.error("chapter %s: the index cannot be made: %s", chapter_id, error)
        return False
    return True


def texts_of_pages(
    pages: Pages, chapter_id: str, page_count: int, check: Callable[[], None] = lambda: None
) -> Iterator[str]:
    """The text of each page, one after the other; empty if the page cannot be read."""
    for content in pages.contents(chapter_id, range(1, page_count + 1)):
        check()
        yield text_of_json(content)
