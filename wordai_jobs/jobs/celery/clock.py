"""The clock of a fleet: the database's, because the clocks of its machines may differ."""

import logging
from datetime import datetime, timedelta

from wordai_jobs.clock import utc_now
from wordai_jobs.database.client import Database

# A machine whose clock is off shows wrong times in its log; deadlines hold nevertheless.
_NOTEWORTHY = timedelta(seconds=5)
# An answer that took longer than twice this says too little.
_PRECISE = timedelta(seconds=0.5)

logger = logging.getLogger(__name__)


class FleetClock:
    """Knows how much the database's clock is ahead of this machine's."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ahead = timedelta()

    def now(self) -> datetime:
        now = utc_now() + self._ahead
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def compare(self) -> None:
        """Compare the clocks again. Raises DatabaseError."""
        ahead, error = self._database.clock_ahead_by()
        if error > _PRECISE and abs(ahead - self._ahead) <= error:
            return
        if abs(ahead - self._ahead) > _NOTEWORTHY:
            logger.warning("the database's clock is %.1f s ahead of ours", ahead.total_seconds())
        self._ahead = ahead
