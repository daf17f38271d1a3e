"""A memory of ended jobs. Nothing that clients see of them can change any more."""

from collections.abc import Callable
from datetime import datetime, timedelta

from wordai_jobs.clock import uptime_s, utc_now
from wordai_jobs.model.job import Job
from wordai_jobs.recent import Recent

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
        self._now = now
        self._now_s = now_s
        # By id: the job, and until when it is kept.
        self._kept = Recent[str, tuple[Job, float]](capacity)

    def remember(self, job: Job) -> None:
        """Keep the job if it has ended; it must be what the database has."""
        if not job.status.has_ended:
            return
        left_s = (job.created_at + self._retention - self._now()).total_seconds()
        kept_until = self._now_s() + min(left_s, _KEPT_S)
        self._kept.put(job.job_id, (job, kept_until))

    def find(self, job_id: str) -> Job | None:
        job, kept_until = self._kept.get(job_id) or (None, 0.0)
        return job if self._now_s() < kept_until else None
