"""Where users have stopped reading, in the collection `reading_positions`."""

from dataclasses import asdict

from pydantic import TypeAdapter
from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from wordai_jobs.database.repository import Repository
from wordai_jobs.model.position import Position


class PositionRepository(Repository[Position]):
    """Reads and writes positions: at most one for each user and chapter."""

    adapter = TypeAdapter(Position)

    def put(self, position: Position) -> None:
        """Record a position, in place of the user's last one in this chapter."""
        key = {"chapter_id": position.chapter_id, "user_id": position.user_id}
        change = {"$set": asdict(position)}
        try:
            with self._translated_errors():
                self._collection.update_one(key, change, upsert=True)
        except DuplicateKeyError:  # another request has recorded the first position just now
            with self._translated_errors():
                self._collection.update_one(key, change)

    def find(self, chapter_id: str, user_id: str) -> Position | None:
        return self._find_one({"chapter_id": chapter_id, "user_id": user_id})

    def of_book(self, book_id: str, user_id: str) -> dict[str, Position]:
        """The user's positions in the chapters of a book, by the chapter's id."""
        with self._translated_errors():
            found = self._collection.find({"book_id": book_id, "user_id": user_id})
            return {position.chapter_id: position for position in self._readable(found)}

    def latest(self, user_id: str, limit: int) -> list[Position]:
        """Up to `limit` positions of the user, newest first."""
        with self._translated_errors():
            found = self._collection.find({"user_id": user_id}).sort("updated_at", DESCENDING)
            return list(self._readable(found.limit(limit)))

    def remove_of_chapter(self, chapter_id: str) -> None:
        with self._translated_errors():
            self._collection.delete_many({"chapter_id": chapter_id})

    def remove_of_book(self, book_id: str) -> None:
        with self._translated_errors():
            self._collection.delete_many({"book_id": book_id})
