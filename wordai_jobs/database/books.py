"""Books in the collection `books`."""

from dataclasses import asdict
from datetime import datetime

from pydantic import TypeAdapter
from pymongo import DESCENDING

from wordai_jobs.database.repository import Repository
from wordai_jobs.model.book import Book


class BookRepository(Repository[Book]):
    """Reads and writes books."""

    adapter = TypeAdapter(Book)

    def insert(self, book: Book) -> None:
        with self._translated_errors():
            self._collection.insert_one(asdict(book))

    def find(self, book_id: str) -> Book | None:
        return self._find_one({"book_id": book_id})

    def of_user(self, user_id: str) -> list[Book]:
        """The user's books, newest first."""
        with self._translated_errors():
            cursor = self._collection.find({"user_id": user_id}).sort("created_at", DESCENDING)
            return list(self._readable(cursor))

    def touch(self, book_id: str, now: datetime) -> None:
        """Record that something in the book has changed."""
        with self._translated_errors():
            self._collection.update_one({"book_id": book_id}, {"$max": {"updated_at": now}})
