"""The jobs of a fleet that wait and run, as one server knows them."""

import threading
import time

from wordai_jobs.database.fleet import FleetRepository
from wordai_jobs.model.job import JobStatus

# A look is due every 2 s. If it is late, the database is asked when a job comes in.
_FRESH_S = 5.0


class Backlog:
    """Remembers the last look at the queue, and what this server has taken in since then."""

    def __init__(self, jobs: FleetRepository, limit: int) -> None:
        """`limit`: how many jobs may wait."""
        self._jobs = jobs
        self._limit = limit
        self._places: dict[str, int] = {}
        self._running = 0
        self._lock = threading.Lock()
        self._taken_in = 0
        self._fresh_until = 0.0

    def look(self) -> None:
        """Look at the queue again. Raises DatabaseError."""
        before = self._taken_in
        waiting = self._jobs.waiting_ids(self._limit)
        self._running = self._jobs.count(JobStatus.PROCESSING)
        self._places = {job_id: place for place, job_id in enumerate(waiting, 1)}
        self.took_in(-before)
        self._fresh_until = time.monotonic() + _FRESH_S

    def waiting(self, new: int) -> int:
        """How many jobs wait, for the decision whether `new` more may come. Raises DatabaseError.

        What other servers have taken in since the last look is not counted. Jobs that have begun or
        ended since then are, unless the database has to be asked because there seems to be no room.
        """
        waiting = len(self._places) + self._taken_in
        if waiting + new > self._limit or time.monotonic() >= self._fresh_until:
            waiting = self._jobs.count(JobStatus.PENDING)
        return waiting

    def took_in(self, count: int) -> None:
        with self._lock:
            self._taken_in += count

    def place(self, job_id: str) -> int:
        """The place in the queue of a job that waits; one that came after the last look is last."""
        return self._places.get(job_id, len(self._places) + 1)

    @property
    def counts(self) -> tuple[int, int]:
        """The numbers of waiting and of running jobs at the last look."""
        return len(self._places), self._running
