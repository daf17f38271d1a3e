"""A memory of ended jobs. Nothing that clients see of them can change any more."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from wordai_jobs.clock import uptime_s, utc_now
from wordai_jobs.model.job import Job

# A job takes about 2 KB here.
_CAPACITY = 2_000
# Jobs that were removed from the database by hand can be polled for this time.
_KEPT_S = 600.0


class EndedJobs:
    """Keeps each job for ten minutes, but not beyond the expiry of its record. If there are too
    many, the oldest ones are forgotten. Thread-safe.
    """

    def __init__(
        self,
        retention: timedelta,
        capacity: int = _CAPACITY,
        now: Callable[[], datetime] = utc_now,
        now_s: Callable[[], float] = uptime_s,
    ) -> None:
        self._retention = retention
        self._capacity = capacity
        self._now = now
        self._now_s = now_s
        # By id: the job, and until when it is kept.
        self._kept: dict[str, tuple[Job, float]] = {}
        self._lock = threading.Lock()

    def remember(self, job: Job) -> None:
        """Keep the job if it has ended; it must be what the database has."""
        if not job.status.has_ended:
            return
        left_s = (job.created_at + self._retention - self._now()).total_seconds()
        kept_until = self._now_s() + min(left_s, _KEPT_S)
        with self._lock:
            self._kept.pop(job.job_id, None)
            while len(self._kept) >= self._capacity:
                del self._kept[next(iter(self._kept))]
            self._kept[job.job_id] = (job, kept_until)

    def find(self, job_id: str) -> Job | None:
        job, kept_until = self._kept.get(job_id, (None, 0.0))
        return job if self._now_s() < kept_until else None
