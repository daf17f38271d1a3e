"""The marker that follows the messages of a fleet through its queue, in the collection `fleet`.

There is at most one document: `{"_id": "marker", "published_at": …, "has_arrived": …}`.
"""

from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from wordai_jobs.database.repository import Repository

_ID = "marker"


class MarkerRepository(Repository[None]):
    """Decides who publishes the next marker, and remembers whether it has arrived."""

    def claim(self, now: datetime, pause: timedelta, patience: timedelta) -> bool:
        """Whether the caller is to publish a marker now.

        That is `pause` after the last one if that has arrived, else `patience` after it.
        """
        is_due = [
            {"has_arrived": True, "published_at": {"$lte": now - pause}},
            {"published_at": {"$lte": now - patience}},
        ]
        change = {"$set": {"published_at": now, "has_arrived": False}}
        try:
            with self._translated_errors():
                result = self._collection.update_one(
                    {"_id": _ID, "$or": is_due}, change, upsert=True
                )
        except DuplicateKeyError:  # there is a marker, and the next one is not due
            return False
        return result.matched_count == 1 or result.upserted_id is not None

    def arrived(self, published_at: datetime) -> None:
        condition = {"_id": _ID, "published_at": {"$lte": published_at}}
        with self._translated_errors():
            self._collection.update_one(condition, {"$set": {"has_arrived": True}})
