"""Searches the text of a user's chapters."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter

import orjson

from wordai_jobs.database.client import Database
from wordai_jobs.errors import NotFound, StorageFull
from wordai_jobs.library.books import BookService
from wordai_jobs.library.chapter_index import make_index
from wordai_jobs.model.book import Book
from wordai_jobs.model.chapter import Chapter
from wordai_jobs.recent import Recent
from wordai_jobs.search.index import BadIndex, OpenIndexes
from wordai_jobs.search.passages import Box, Passage, passage
from wordai_jobs.search.query import Query
from wordai_jobs.storage.storage import Storage

# A request looks at no further chapter or page after this time: a library may have thousands, some
# without an index. What it has not looked at comes with the next slice.
_LONGEST_S = 2.0
_ALL_PAGES = 2**31
# If an index cannot be made, the chapter is left out for this time.
_TRY_AGAIN_AFTER_S = 60.0
_MOST_UNUSABLE = 1000
# Indexes that are elsewhere are fetched together.
_FETCHED_AT_ONCE = 16
_LIST_IS_NEW_S = 5.0
_MOST_LISTS = 100

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
    chapter_enqueued: int
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
        self._indexes = OpenIndexes()
        self._lists = _ChapterLists(database, now_s)
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
        for at, (begin, chapter) in enumerate(chapters):
            end = replace(begin, page_number=_ALL_PAGES)
            if after and after >= end:
                continue
            start = after.page_number if after and after > begin else 0
            if at % _FETCHED_AT_ONCE == 0:
                following = chapters[at : at + _FETCHED_AT_ONCE]
                self._pages.fetch_indexes([each.chapter_id for _, each in following])
            room = limit - len(hits)
            numbers = self._matching(chapter, query, start, room + 1)
            contents = self._pages.contents(chapter.chapter_id, numbers[:room])
            for number, content in zip(numbers, contents, strict=False):
                if hits and self._now_s() >= give_up_at:
                    return Hits(hits, last)
                hits.append(_hit(chapter, number, content, query))
                last = replace(begin, page_number=number)
            if len(numbers) > room:
                return Hits(hits, last)
            if self._now_s() >= give_up_at:
                return Hits(hits, end)
        return Hits(hits, None)

    def _chapters(self, scope: Scope) -> list[tuple[Place, Chapter]]:
        """The chapters in the order of hits, each with the place before its first page."""
        if scope.chapter_id:
            found = self._database.chapters.find(scope.chapter_id)
            if found is None or scope.book_id not in (None, found.book_id):
                raise NotFound("chapter", scope.chapter_id)
            books, chapters = [self._books.get(found.book_id, scope.user_id)], [found]
        else:
            books = self._books.of_user(scope.user_id)
            chapters = self._lists.of_user(scope.user_id, books)
        if scope.book_id:
            books = [self._books.get(scope.book_id, scope.user_id)]
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
            return self._indexes.matching_pages(path, query, start, limit)

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


def _hit(chapter: Chapter, number: int, content: bytes | None, query: Query) -> Hit:
    """Without excerpt and boxes if the page cannot be read."""
    shown = Passage("", [])
    try:
        shown = passage(orjson.loads(content), query) if content else shown
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        # A renderer that a PDF has taken over has written something else.
        logger.warning("page %d of chapter %s: %r", number, chapter.chapter_id, error)
    return Hit(chapter.book_id, chapter.chapter_id, number, shown.excerpt, shown.boxes)


class _ChapterLists:
    """The chapters of users who have searched lately, without their pages.

    The embedded database takes half a millisecond for each. Whatever changes a chapter also changes
    the time of its book, so a list is current as long as these are the same; for a few seconds, as
    two changes may have the same time.
    """

    def __init__(self, database: Database, now_s: Callable[[], float]) -> None:
        self._database = database
        self._now_s = now_s
        self._lists = Recent[str, tuple[object, float, list[Chapter]]](_MOST_LISTS)

    def of_user(self, user_id: str, books: list[Book]) -> list[Chapter]:
        """`books`: those of the user, as they are now. Raises DatabaseError."""
        state, now_s = {book.book_id: book.updated_at for book in books}, self._now_s()
        known = self._lists.get(user_id)
        if known and known[0] == state and now_s < known[1]:
            return known[2]
        found = self._database.chapters.of_user(user_id)
        self._lists.put(user_id, (state, now_s + _LIST_IS_NEW_S, found))
        return found


def _begin(chapter: Chapter, book_created: datetime) -> Place:
    return Place(
        before_book=-_milliseconds(book_created),
        book_id=chapter.book_id,
        order_index=chapter.order_index,
        chapter_enqueued=_milliseconds(chapter.enqueued_at or chapter.created_at),
        chapter_id=chapter.chapter_id,
        page_number=0,
    )


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
