"""How much one user may store."""

import threading
import time
from collections.abc import Callable

from wordai_jobs.database.client import Database
from wordai_jobs.errors import QuotaReached

# Adding up a user's files is too slow for each request. Uploads since then are counted at once.
_REMEMBERED_FOR_S = 60.0
_MOST_USERS = 10_000
_MB = 1024 * 1024


class Quota:
    """Limits the size of all uploads and page files of a user."""

    def __init__(
        self,
        database: Database,
        limit_mb: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._limit_mb = limit_mb
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, float]] = {}

    def check(self, user_id: str, size: int = 0) -> None:
        """Raises QuotaReached if the user would reach the limit with `size` more bytes."""
        stored, counted_at = self._known.get(user_id, (0, -_REMEMBERED_FOR_S))
        if self._monotonic() - counted_at >= _REMEMBERED_FOR_S:
            stored = self._database.uploads.stored_bytes(user_id)
            stored += self._database.chapters.stored_bytes(user_id)
            with self._lock:
                if len(self._known) >= _MOST_USERS:
                    self._known.clear()
                self._known[user_id] = (stored, self._monotonic())
        if stored + size >= self._limit_mb * _MB:
            raise QuotaReached(self._limit_mb)

    def add(self, user_id: str, size: int) -> None:
        """Count `size` more bytes that the user has stored."""
        with self._lock:
            if user_id in self._known:
                stored, counted_at = self._known[user_id]
                self._known[user_id] = (stored + size, counted_at)

    def recount(self, user_id: str) -> None:
        """Add up the user's files again at the next check, because some were removed."""
        with self._lock:
            self._known.pop(user_id, None)
