"""Books in the collection `books`."""

from dataclasses import asdict
from datetime import datetime

from pymongo import DESCENDING

from wordai_jobs.database.repository import Repository
from wordai_jobs.model.book import Book

_FIELDS = {"_id": False}


class BookRepository(Repository):
    """Reads and writes books."""

    def insert(self, book: Book) -> None:
        with self._translated_errors():
            self._collection.insert_one(asdict(book))

    def find(self, book_id: str) -> Book | None:
        with self._translated_errors():
            document = self._collection.find_one({"book_id": book_id}, _FIELDS)
        return Book(**document) if document else None

    def of_user(self, user_id: str) -> list[Book]:
        """The user's books, newest first."""
        with self._translated_errors():
            cursor = self._collection.find({"user_id": user_id}, _FIELDS)
            return [Book(**document) for document in cursor.sort("created_at", DESCENDING)]

    def touch(self, book_id: str, now: datetime) -> None:
        """Record that something in the book has changed."""
        with self._translated_errors():
            self._collection.update_one({"book_id": book_id}, {"$max": {"updated_at": now}})
