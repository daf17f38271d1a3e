"""Searches the text of a user's chapters."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter

from wordai_jobs.database.client import Database
from wordai_jobs.errors import NotFound, StorageFull
from wordai_jobs.library.books import BookService
from wordai_jobs.library.chapter_index import UNREADABLE, make_index
from wordai_jobs.model.book import Book, Chapter
from wordai_jobs.search.index import BadIndex, matching_pages
from wordai_jobs.search.passages import Box, passage
from wordai_jobs.search.query import Query
from wordai_jobs.storage.storage import Storage

# A request looks at no further chapter or page after this time: a library may have thousands, some
# without an index. What it has not looked at comes with the next slice.
_LONGEST_S = 2.0
_ALL_PAGES = 2**31
# If an index cannot be made, the chapter is left out for so long.
_TRY_AGAIN_AFTER_S = 60.0
_MOST_UNUSABLE = 1000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where is searched: in one chapter, in one book, or in all books of the user."""

    user_id: str
    book_id: str | None = None
    chapter_id: str | None = None


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """A page in the order of hits: newest book first, chapters and pages in their order. Moments
    are in milliseconds.
    """

    before_book: int  # minus the moment at which the book was created
    book_id: str
    order_index: int
    chapter_created: int
    chapter_id: str
    page_number: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that has all words; `boxes` are in pixels of its image."""

    book_id: str
    chapter_id: str
    page_number: int
    excerpt: str
    boxes: list[Box]


@dataclass(frozen=True, slots=True)
class Hits:
    """Some hits in their order; further ones may come after the place `end`, None if there are
    none.
    """

    hits: list[Hit]
    end: Place | None


class SearchService:
    """Finds pages by their words."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        books: BookService,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._pages = storage.pages
        self._books = books
        self._now_s = now_s
        self._building = threading.Lock()
        # Chapters without a usable index, and when to try again to make one.
        self._unusable: dict[str, float] = {}

    def search(self, scope: Scope, query: Query, limit: int, after: Place | None = None) -> Hits:
        """Up to `limit` pages after the place `after` that have all words of the query.

        There may be fewer although more follow: a search that takes long is ended early. Raises
        NotFound, AccessDenied, DatabaseError and StorageError.
        """
        give_up_at = self._now_s() + _LONGEST_S
        chapters = self._chapters(scope)
        hits: list[Hit] = []
        if query.is_empty:
            return Hits(hits, None)
        last = after
        for begin, chapter in chapters:
            end = replace(begin, page_number=_ALL_PAGES)
            if after and after >= end:
                continue
            start = after.page_number if after and after > begin else 0
            for number in self._matching(chapter, query, start, limit + 1 - len(hits)):
                if len(hits) == limit or (hits and self._now_s() >= give_up_at):
                    return Hits(hits, last)
                hit = self._hit(chapter, number, query)
                if hit:
                    hits.append(hit)
                    last = replace(begin, page_number=number)
            if self._now_s() >= give_up_at:
                return Hits(hits, end)
        return Hits(hits, None)

    def _chapters(self, scope: Scope) -> list[tuple[Place, Chapter]]:
        """The chapters in the order of hits, each with the place before its first page."""
        books: list[Book]
        if scope.chapter_id:
            found = self._database.chapters.find(scope.chapter_id)
            if found is None or scope.book_id not in (None, found.book_id):
                raise NotFound("chapter", scope.chapter_id)
            books, chapters = [self._books.get(found.book_id, scope.user_id)], [found]
        elif scope.book_id:
            books = [self._books.get(scope.book_id, scope.user_id)]
            chapters = self._database.chapters.of_book(scope.book_id)
        else:
            books = self._database.books.of_user(scope.user_id)
            chapters = self._database.chapters.of_user(scope.user_id)
        created = {book.book_id: book.created_at for book in books}
        places = [
            (_begin(chapter, created[chapter.book_id]), chapter)
            for chapter in chapters
            if chapter.book_id in created
        ]
        return sorted(places, key=itemgetter(0))

    def _matching(self, chapter: Chapter, query: Query, start: int, limit: int) -> list[int]:
        """The numbers of matching pages after `start`. Makes the index if there is none, as of an
        older release, or if it is damaged.
        """
        with suppress(FileNotFoundError, BadIndex):
            return self._look_up(chapter, query, start, limit)
        with self._building:
            try:  # another request may have made it
                return self._look_up(chapter, query, start, limit)
            except FileNotFoundError:
                logger.info("chapter %s has no index yet", chapter.chapter_id)
            except BadIndex as error:
                logger.warning("the index of chapter %s is bad: %s", chapter.chapter_id, error)
            if self._make_index(chapter):
                with suppress(FileNotFoundError, BadIndex):
                    return self._look_up(chapter, query, start, limit)
        return []

    def _look_up(self, chapter: Chapter, query: Query, start: int, limit: int) -> list[int]:
        with self._pages.index(chapter.chapter_id) as path:
            return matching_pages(path, query, start, limit)

    def _make_index(self, chapter: Chapter) -> bool:
        chapter_id, now_s = chapter.chapter_id, self._now_s()
        if self._unusable.get(chapter_id, now_s) > now_s or not self._exists(chapter_id):
            return False
        try:
            is_made = make_index(self._pages, chapter_id, chapter.total_pages)
        except (OSError, StorageFull) as error:
            logger.warning("chapter %s: its index cannot be stored: %s", chapter_id, error)
            is_made = False
        if not self._exists(chapter_id):  # its owner has removed it, and nobody else removes this
            self._pages.remove(chapter_id)
            return False
        if not is_made:
            if len(self._unusable) >= _MOST_UNUSABLE:
                self._unusable.clear()
            self._unusable[chapter_id] = now_s + _TRY_AGAIN_AFTER_S
        return is_made

    def _exists(self, chapter_id: str) -> bool:
        return self._database.chapters.find(chapter_id) is not None

    def _hit(self, chapter: Chapter, number: int, query: Query) -> Hit | None:
        """None if the page cannot be read."""
        content = self._pages.content(chapter.chapter_id, number)
        try:
            shown = passage(content, query) if content else None
        except UNREADABLE as error:
            logger.warning("page %d of chapter %s: %r", number, chapter.chapter_id, error)
            return None
        if shown is None:
            return None
        return Hit(chapter.book_id, chapter.chapter_id, number, shown.excerpt, shown.boxes)


def _begin(chapter: Chapter, book_created: datetime) -> Place:
    return Place(
        before_book=-_milliseconds(book_created),
        book_id=chapter.book_id,
        order_index=chapter.order_index,
        chapter_created=_milliseconds(chapter.created_at),
        chapter_id=chapter.chapter_id,
        page_number=0,
    )


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
