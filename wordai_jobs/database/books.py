"""Books in the collection `books`.

One write deletes a book: it replaces the record by `{"book_id": …, "deleted_at": …}`, which nobody
sees as a book. So what was in the book can be removed after a crash too, and a job that ends late
finds out. With `emptied_at`, nothing is left in the book.
"""

from dataclasses import asdict
from datetime import UTC, datetime

from pydantic import TypeAdapter
from pymongo import DESCENDING

from wordai_jobs.database.repository import Document, Repository
from wordai_jobs.model.book import Book
from wordai_jobs.model.chapter import Chapter

# None stands for a missing field too.
_NOT_DELETED = {"deleted_at": None}
_HAS_ORDER = {"next_order_index": {"$gte": 0}}
_DELETED = {"deleted_at": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}}


class BookRepository(Repository[Book]):
    """Reads and writes books, and the records of deleted ones."""

    adapter = TypeAdapter(Book)

    def insert(self, book: Book) -> None:
        with self._translated_errors():
            self._collection.insert_one(asdict(book))

    def find(self, book_id: str) -> Book | None:
        with self._translated_errors():
            document = self._collection.find_one({"book_id": book_id})
        if document is None or document.get("deleted_at") is not None:
            return None
        return self._record(document)

    def of_user(self, user_id: str) -> list[Book]:
        """The user's books, newest first."""
        return self._list({"user_id": user_id, **_NOT_DELETED})

    def existing(self, book_ids: list[str]) -> list[Book]:
        """Those of the books that exist."""
        return self._list({"book_id": {"$in": book_ids}, **_NOT_DELETED})

    def rename(self, book_id: str, title: str, now: datetime) -> Book | None:
        """The book with its new title; None if it does not exist."""
        with self._translated_errors():
            self._collection.update_one(
                {"book_id": book_id, **_NOT_DELETED},
                {"$set": {"title": title}, "$max": {"updated_at": now}},
            )
        return self.find(book_id)

    def touch(self, book_id: str, now: datetime) -> bool:
        """Record that something in the book has changed. False if the book is deleted."""
        condition = {"book_id": book_id, **_NOT_DELETED}
        with self._translated_errors():
            updated = self._collection.update_one(condition, {"$max": {"updated_at": now}})
        return updated.matched_count == 1 or not self.is_deleted(book_id)

    def chapter_came(self, chapter: Chapter) -> bool:
        """As `touch`, for a new chapter: later ones get a larger index."""
        change = {"updated_at": chapter.created_at, "next_order_index": chapter.order_index + 1}
        with self._translated_errors():
            # The record of a deleted book has no order, and must not get one.
            condition = {"book_id": chapter.book_id, **_HAS_ORDER}
            updated = self._collection.update_one(condition, {"$max": change})
        return updated.matched_count == 1 or self.touch(chapter.book_id, chapter.created_at)

    def begin_order(self, book_id: str, next_order_index: int) -> None:
        """Set what is next in a book that an older release has created."""
        condition = {"book_id": book_id, **_NOT_DELETED, "next_order_index": None}
        with self._translated_errors():
            self._collection.update_one(condition, {"$set": {"next_order_index": next_order_index}})

    def stay_behind(self, book_id: str, order_index: int) -> None:
        """A chapter gets this index: later ones get a larger one."""
        change = {"$max": {"next_order_index": order_index + 1}}
        with self._translated_errors():
            self._collection.update_one({"book_id": book_id, **_HAS_ORDER}, change)

    def delete(self, book_id: str, now: datetime) -> bool:
        """Delete a book, and remember that. False if it does not exist."""
        fields = {name: "" for name in Book.__dataclass_fields__ if name != "book_id"}
        with self._translated_errors():
            updated = self._collection.update_one(
                {"book_id": book_id, **_NOT_DELETED},
                {"$set": {"deleted_at": now}, "$unset": fields},
            )
        return updated.matched_count == 1

    def is_deleted(self, book_id: str) -> bool:
        """Whether it is recorded that the book was deleted."""
        with self._translated_errors():
            found = self._collection.find_one({"book_id": book_id}, {"deleted_at": True})
        return found is not None and found.get("deleted_at") is not None

    def to_empty(self) -> set[str]:
        """Deleted books of which something may be left."""
        return self._values("book_id", {**_DELETED, "emptied_at": None})

    def set_emptied(self, book_id: str, now: datetime) -> None:
        """Record that nothing is left of a deleted book."""
        with self._translated_errors():
            self._collection.update_one(
                {"book_id": book_id, **_DELETED}, {"$set": {"emptied_at": now}}
            )

    def emptied_before(self, moment: datetime) -> set[str]:
        return self._values("book_id", {**_DELETED, "emptied_at": {"$lt": moment}})

    def forget_deleted(self, book_id: str) -> None:
        """Remove the record that the book was deleted."""
        with self._translated_errors():
            self._collection.delete_one({"book_id": book_id, **_DELETED})

    def _list(self, condition: Document) -> list[Book]:
        with self._translated_errors():
            cursor = self._collection.find(condition).sort("created_at", DESCENDING)
            return list(self._readable(cursor))
