"""Remembers whether the database can be reached, so that not every request must wait for it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from wordai_jobs.errors import DatabaseAway

# Set while this thread handles a request.
answers_request: ContextVar[bool] = ContextVar("answers_request", default=False)

_PROBE_INTERVAL_S = 0.25
# How long a request waits for a slot, counted from the last sign that the database works.
_MAX_WAIT_FOR_SLOT_S = 0.25

logger = logging.getLogger(__name__)


class Availability:
    """Once the database is known to be away, one thread keeps trying, and all others are refused.

    Until that is known, operations wait for their timeout. Only `slots` requests may be in an
    operation at the same time, so that some threads stay free for other requests.
    """

    def __init__(self, ping: Callable[[], None], slots: int) -> None:
        """`ping` raises DatabaseAway if the database does not respond."""
        self._ping = ping
        self._slots = threading.BoundedSemaphore(slots)
        self._last_sign_s = time.monotonic()
        self._lock = threading.Lock()
        self._is_away = False
        self._is_closed = False

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Run the block as a database operation. Raises DatabaseAway if it must not be tried."""
        if self._is_away:
            raise DatabaseAway
        if not answers_request.get():
            yield
            return
        left_s = self._last_sign_s + _MAX_WAIT_FOR_SLOT_S - time.monotonic()
        if not self._slots.acquire(timeout=max(left_s, 0)):
            raise DatabaseAway
        self._last_sign_s = time.monotonic()
        try:
            yield
        finally:
            self._last_sign_s = time.monotonic()
            self._slots.release()

    def lost(self) -> None:
        """Remember that the database is away, and begin to try it."""
        with self._lock:
            if self._is_away or self._is_closed:
                return
            self._is_away = True
        logger.warning("the database cannot be reached; requests that need it are refused")
        threading.Thread(target=self._probe, name="database probe", daemon=True).start()

    def close(self) -> None:
        self._is_closed = True

    def _probe(self) -> None:
        while not self._is_closed:
            time.sleep(_PROBE_INTERVAL_S)
            try:
                self._ping()
            except DatabaseAway:
                continue
            logger.warning("the database can be reached again")
            break
        self._is_away = False
