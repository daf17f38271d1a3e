"""The service for positions: where users have stopped reading."""

from dataclasses import dataclass

from wordai_jobs.clock import utc_now
from wordai_jobs.database.client import Database
from wordai_jobs.errors import Invalid, NotFound
from wordai_jobs.library.books import BookService
from wordai_jobs.model.book import Book
from wordai_jobs.model.chapter import Chapter
from wordai_jobs.model.position import Position

_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """A chapter that a user has begun to read, its book, and the position in it."""

    book: Book
    chapter: Chapter
    position: Position


class ReadingService:
    """Where users have stopped reading.

    Every method that takes ids raises NotFound, or AccessDenied if they belong to another user.
    """

    def __init__(self, database: Database, books: BookService) -> None:
        self._database = database
        self._books = books

    def put(self, book_id: str, chapter_id: str, page_number: int, user_id: str) -> None:
        """Record where the user has stopped reading. Raises Invalid if there is no such page."""
        chapter = self._books.chapter(book_id, chapter_id, user_id)
        if page_number > chapter.total_pages:
            raise Invalid(f"page_number must be from 1 to {chapter.total_pages}")
        positions = self._database.positions
        positions.put(Position(user_id, book_id, chapter_id, page_number, utc_now()))
        # If the chapter was deleted at the same moment, nothing of it may be left.
        if self._database.chapters.find(chapter_id) is None:
            positions.remove_of_chapter(chapter_id)
            raise NotFound("chapter", chapter_id)

    def in_chapter(self, chapter: Chapter) -> Position | None:
        """Where the chapter's owner has stopped reading it."""
        return self._database.positions.find(chapter.chapter_id, chapter.user_id)

    def in_book(self, book_id: str, user_id: str) -> dict[str, Position]:
        """The user's positions in the chapters of a book, by the chapter's id."""
        return self._database.positions.of_book(book_id, user_id)

    def latest(self, user_id: str) -> list[Reading]:
        """The chapters that the user has read last, newest first."""
        positions = self._database.positions.latest(user_id, _MOST_SHOWN)
        chapters = self._database.chapters.with_ids([each.chapter_id for each in positions])
        books = self._database.books.existing(list({each.book_id for each in positions}))
        chapter_of = {chapter.chapter_id: chapter for chapter in chapters}
        book_of = {book.book_id: book for book in books}
        return [
            Reading(book_of[each.book_id], chapter_of[each.chapter_id], each)
            for each in positions
            if each.book_id in book_of and each.chapter_id in chapter_of
        ]
