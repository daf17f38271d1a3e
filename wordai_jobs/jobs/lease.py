"""How long this server may speak for its jobs: while its heartbeat is fresh, no other server takes
them over.
"""

import time
from collections.abc import Callable

from wordai_jobs.model.instance import STALE_AFTER

# Well before others take the heartbeat for stale, this server stops answering from memory.
_HELD_FOR_S = STALE_AFTER.total_seconds() * 2 / 3


class Lease:
    """Renewed by every heartbeat that the database has acknowledged."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._renewed_at = float("-inf")

    def renew(self, sent_at: float) -> None:
        """`sent_at`: when the heartbeat was sent, on the monotonic clock; later would promise too
        much.
        """
        self._renewed_at = sent_at

    @property
    def is_held(self) -> bool:
        return self._monotonic() - self._renewed_at < _HELD_FOR_S
