"""Whether a service on the network can be reached, so that not every request has to find out by
waiting.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from wordai_jobs.errors import DatabaseAway, StorageAway

# Set while this thread handles a request.
handles_request: ContextVar[bool] = ContextVar("handles_request", default=False)

_PROBE_INTERVAL_S = 0.25
# If no request leaves the service in this time, it may be away.
_PATIENCE_S = 0.25

logger = logging.getLogger(__name__)


class Availability:
    """Once the service is known to be away, one thread asks for it, and everybody else is refused
    at once.

    Until that is known, operations wait for their timeout. So that these do not occupy all threads
    that handle requests, only `slots` requests may use the service at a time. If they do not come
    back, the same thread finds out whether the service is away or only slow.
    """

    def __init__(
        self,
        name: str,
        away: type[DatabaseAway | StorageAway],
        ping: Callable[[], None],
        slots: int,
    ) -> None:
        """`ping` raises `away()` if the service does not respond soon. Logs have its name."""
        self._name = name
        self._away = away
        self._ping = ping
        self._slots = slots
        self._used = 0
        self._changed = threading.Condition()
        self._is_away = False
        self._is_probing = False
        self._is_closed = False

    @contextmanager
    def operation(self) -> Iterator[None]:
        """An operation of the service. Raises `away()` if it must not be tried."""
        if self._is_away:
            raise self._away()
        if not handles_request.get():
            yield
            return
        with self._changed:
            while self._used >= self._slots and not self._is_away:
                if not self._changed.wait(_PATIENCE_S):
                    self._start_probe()
            if self._is_away:
                raise self._away()
            self._used += 1
        try:
            yield
        finally:
            with self._changed:
                self._used -= 1
                self._changed.notify_all()

    def lost(self) -> None:
        """An operation has found that the service is away."""
        with self._changed:
            self._set_away()
            self._start_probe()

    def close(self) -> None:
        self._is_closed = True

    def _set_away(self) -> None:
        if not self._is_away:
            logger.warning("%s cannot be reached; requests that need it are refused", self._name)
            self._is_away = True
            self._changed.notify_all()

    def _start_probe(self) -> None:
        if not self._is_probing and not self._is_closed:
            self._is_probing = True
            threading.Thread(target=self._probe, name=f"probe of {self._name}", daemon=True).start()

    def _probe(self) -> None:
        """Ask until the service responds."""
        while not self._is_closed:
            try:
                self._ping()
                break
            except self._away:
                with self._changed:
                    self._set_away()
            time.sleep(_PROBE_INTERVAL_S)
        with self._changed:
            if self._is_away:
                logger.warning("%s can be reached again", self._name)
            self._is_away = self._is_probing = False
