"""What the servers of a fleet settle among themselves, in the collection `fleet`.

There are at most two documents:

    {"_id": "round", "at": when one of them last looked out for lost work}
    {"_id": "marker", "at": when the last marker was published, "has_arrived": …}
"""

from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from wordai_jobs.database.repository import Document, Repository

_ROUND = {"_id": "round"}
_MARKER = {"_id": "marker"}


class LookoutRepository(Repository[None]):
    """Decides which server looks out for lost work, and which publishes a marker."""

    def claim_round(self, now: datetime, pause: timedelta) -> bool:
        """Whether the caller is to look out now. For one server this is True, `pause` after the
        last time.
        """
        return self._claim({**_ROUND, "$or": _not_within(pause, now)}, {"at": now})

    def claim_marker(self, now: datetime, patience: timedelta) -> bool:
        """Whether the caller is to publish a marker: the last one has arrived, or was published
        longer than `patience` ago.
        """
        is_due = [{"has_arrived": True}, *_not_within(patience, now)]
        return self._claim({**_MARKER, "$or": is_due}, {"at": now, "has_arrived": False})

    def marker_arrived(self, published_at: datetime) -> None:
        condition = {**_MARKER, "at": {"$lte": published_at}}
        with self._translated_errors():
            self._collection.update_one(condition, {"$set": {"has_arrived": True}})

    def _claim(self, condition: Document, change: Document) -> bool:
        try:
            with self._translated_errors():
                result = self._collection.update_one(condition, {"$set": change}, upsert=True)
        except DuplicateKeyError:  # there is a document, and the condition does not hold
            return False
        return result.matched_count == 1 or result.upserted_id is not None


def _not_within(duration: timedelta, now: datetime) -> list[Document]:
    """Conditions of which one holds if that long has passed. A moment in the future was written by
    a server whose clock had just jumped; the others must not wait for it.
    """
    return [{"at": {"$lte": now - duration}}, {"at": {"$gt": now + duration}}]
