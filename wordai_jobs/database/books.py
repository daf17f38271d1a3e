"""Books in the collection `books`."""

from dataclasses import asdict
from datetime import datetime

from pymongo import DESCENDING

from wordai_jobs.database.client import Database
from wordai_jobs.model.book import Book

_FIELDS = {"_id": False}


class BookRepository:
    """Reads and writes books; every method raises DatabaseError where the database does not do
    it.
    """

    def __init__(self, database: Database) -> None:
        self._books = database.books
        self._errors_in_words = database.errors_in_words

    def insert(self, book: Book) -> None:
        with self._errors_in_words():
            self._books.insert_one(asdict(book))

    def find(self, book_id: str) -> Book | None:
        with self._errors_in_words():
            document = self._books.find_one({"book_id": book_id}, _FIELDS)
        return Book(**document) if document else None

    def of_user(self, user_id: str) -> list[Book]:
        """The user's books, newest first."""
        with self._errors_in_words():
            cursor = self._books.find({"user_id": user_id}, _FIELDS).sort(
                [("created_at", DESCENDING)]
            )
            return [Book(**document) for document in cursor]

    def touch(self, book_id: str, now: datetime) -> None:
        """Something in the book has changed."""
        with self._errors_in_words():
            self._books.update_one({"book_id": book_id}, {"$max": {"updated_at": now}})
