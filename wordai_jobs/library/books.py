"""The service for books and their chapters."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic cannot read typing's before Python 3.12

from wordai_jobs.clock import utc_now
from wordai_jobs.database.client import Database
from wordai_jobs.errors import AccessDenied, AppError, Invalid, NotFound
from wordai_jobs.library.chapter_index import texts_of_pages
from wordai_jobs.library.quota import Quota
from wordai_jobs.model.book import Book
from wordai_jobs.model.chapter import Chapter, Page
from wordai_jobs.model.link import Link, is_safe
from wordai_jobs.storage.storage import Storage

_links = TypeAdapter(list[Link])

logger = logging.getLogger(__name__)


class _Stored(TypedDict):
    """What every page has, also that of an older release."""

    text: str
    words: list[tuple[float, float, float, float, str]]


_stored = TypeAdapter(_Stored)


@dataclass(frozen=True, slots=True)
class PageContent:
    """A page with its text, its words as `[x0, y0, x1, y1, "word"]` in pixels of its image, and its
    links.
    """

    page: Page
    text: str
    words: list[Any]
    links: list[Link]


class BookService:
    """The books of users, and their chapters.

    Every method that takes ids raises NotFound, or AccessDenied if they belong to another user.
    """

    def __init__(self, database: Database, storage: Storage, quota: Quota) -> None:
        self._database = database
        self._storage = storage
        self._quota = quota

    def add(self, user_id: str, title: str) -> Book:
        now = utc_now()
        book = Book(str(uuid4()), user_id, title, now, now, next_order_index=0)
        self._database.books.insert(book)
        return book

    def of_user(self, user_id: str) -> list[Book]:
        """The user's books, newest first."""
        return self._database.books.of_user(user_id)

    def get(self, book_id: str, user_id: str) -> Book:
        book = self._database.books.find(book_id)
        if book is None:
            raise NotFound("book", book_id)
        if book.user_id != user_id:
            raise AccessDenied("book")
        return book

    def rename(self, book_id: str, title: str, user_id: str) -> Book:
        self.get(book_id, user_id)
        renamed = self._database.books.rename(book_id, title, utc_now())
        if renamed is None:
            raise NotFound("book", book_id)
        return renamed

    def chapters(self, book_id: str, user_id: str) -> list[Chapter]:
        """The book's chapters in their order, without pages."""
        self.get(book_id, user_id)
        return self._database.chapters.of_book(book_id)

    def chapter(self, book_id: str, chapter_id: str, user_id: str) -> Chapter:
        """A chapter without its pages."""
        self.get(book_id, user_id)
        return _in_book(self._database.chapters.find(chapter_id), book_id, chapter_id)

    def chapter_with_pages(self, book_id: str, chapter_id: str, user_id: str) -> Chapter:
        self.get(book_id, user_id)
        return _in_book(self._database.chapters.find_with_pages(chapter_id), book_id, chapter_id)

    def page(self, book_id: str, chapter_id: str, number: int, user_id: str) -> PageContent:
        """One page with its text and words; without them if they cannot be read."""
        self.get(book_id, user_id)
        chapter = _in_book(
            self._database.chapters.find_with_page(chapter_id, number), book_id, chapter_id
        )
        content = self._content(chapter_id, number) if chapter.pages else None
        if content is None:
            raise NotFound("page", str(number))
        links = _links_of(content, chapter.total_pages)
        return PageContent(chapter.pages[0], content["text"], content["words"], links)

    def _content(self, chapter_id: str, number: int) -> dict[str, Any] | None:
        try:
            content = self._storage.pages.content(chapter_id, number)
            if content is not None:
                _stored.validate_python(content)
            return content
        except ValueError as error:  # it is no JSON, or something else
            # A renderer that a PDF has taken over may have written anything.
            logger.warning("page %d of chapter %s: %s", number, chapter_id, type(error).__name__)
            return {"text": "", "words": []}

    def texts(self, book_id: str, chapter_id: str, user_id: str) -> Iterator[str]:
        """The text of each page of a chapter, read when it is asked for."""
        chapter = self.chapter(book_id, chapter_id, user_id)
        numbers = range(1, chapter.total_pages + 1)
        return texts_of_pages(self._storage.pages, chapter_id, numbers)

    def change_chapter(
        self, book_id: str, chapter_id: str, changes: Mapping[str, Any], user_id: str
    ) -> Chapter:
        """Change fields of a chapter; returns it without its pages.

        Raises Conflict if another chapter of the book has the new slug, and Invalid if the chapter
        would be below itself.
        """
        chapter = self.chapter(book_id, chapter_id, user_id)
        parent_id = changes.get("parent_id")
        self._check_parent(chapter, parent_id)
        now = utc_now()
        if "order_index" in changes:
            self._database.books.stay_behind(book_id, changes["order_index"])
        changed = self._database.chapters.update(chapter_id, {**changes, "updated_at": now})
        try:
            # A request at the same moment may have moved or deleted the chapter above.
            self._check_parent(chapter, parent_id)
        except AppError:
            self._database.chapters.update(chapter_id, {"parent_id": chapter.parent_id})
            raise
        self._database.books.touch(book_id, now)
        return _in_book(changed, book_id, chapter_id)

    def _check_parent(self, chapter: Chapter, parent_id: str | None) -> None:
        """Raises NotFound if the book has no such chapter, Invalid if it is below `chapter`."""
        if parent_id is None:
            return
        chapters = self._database.chapters.of_book(chapter.book_id)
        parents = {each.chapter_id: each.parent_id for each in chapters}
        if parent_id not in parents:
            raise NotFound("chapter", parent_id)
        above: str | None = parent_id
        for _ in parents:
            if above == chapter.chapter_id:
                raise Invalid("parent_id must not be the chapter itself, or one below it")
            above = parents.get(above) if above else None

    def remove_chapter(self, book_id: str, chapter_id: str, user_id: str) -> None:
        """Remove a chapter and its page files; the chapters right below it take its place.

        The clean-up removes its PDF if nothing uses it.
        """
        chapter = self.chapter(book_id, chapter_id, user_id)
        now = utc_now()
        self._database.chapters.move_up_children(chapter)
        self._database.chapters.remove(chapter_id)
        self._storage.pages.remove(chapter_id)
        self._database.positions.remove_of_chapter(chapter_id)
        self._quota.recount(user_id)
        self._database.uploads.set_expiry(chapter.file_id, now)
        self._database.books.touch(book_id, now)


def _links_of(content: dict[str, Any], total_pages: int) -> list[Link]:
    """Those that are well formed and safe: a renderer that a PDF has taken over may have written
    anything. Pages that an older release has rendered have none.
    """
    try:
        links = _links.validate_python(content.get("links", []))
    except ValidationError:
        return []
    return [
        link
        for link in links
        if (is_safe(link.url) if link.url else 1 <= (link.page_number or 0) <= total_pages)
    ]


def _in_book(chapter: Chapter | None, book_id: str, chapter_id: str) -> Chapter:
    if chapter is None or chapter.book_id != book_id:
        raise NotFound("chapter", chapter_id)
    return chapter
