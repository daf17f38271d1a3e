"""The engine of a fleet, as a server that answers requests sees it: it keeps no state of jobs."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence

from wordai_jobs.config import Config
from wordai_jobs.errors import Busy
from wordai_jobs.jobs.celery.backlog import Backlog
from wordai_jobs.jobs.celery.fleet import Fleet
from wordai_jobs.jobs.celery.lookout import Lookout
from wordai_jobs.jobs.celery.messages import BrokerAway
from wordai_jobs.jobs.engine import Limits
from wordai_jobs.jobs.housekeeping import Chore
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.job import Job, JobError, Place

_SHUTDOWN_RETRY_S = 5
_LOOK_INTERVAL_S = 2
_STOP_TIMEOUT_S = 5.0

logger = logging.getLogger(__name__)


class CeleryEngine:
    """Implements `Engine`: it records jobs, and publishes their first tasks."""

    def __init__(self, config: Config, fleet: Fleet) -> None:
        self._limits = Limits.of(config)
        self._fleet = fleet
        self._jobs = fleet.database.fleet
        self.on_forget: list[Callable[[Job], None]] = []  # jobs end in workers
        self._backlog = Backlog(self._jobs, self._limits.queued)
        self._lookout = Lookout(fleet, config.jobs)
        self.chores: Sequence[Chore] = [
            *self._lookout.chores,
            Chore("queue", _LOOK_INTERVAL_S, self._backlog.look),
        ]
        self._is_closed = False
        self._outbox: queue.SimpleQueue[Sequence[Job] | None] = queue.SimpleQueue()
        self._publisher = threading.Thread(target=self._publish, name="publisher", daemon=True)

    def start(self) -> None:
        self._publisher.start()

    def open(self) -> None:
        """Learn what time it is. Raises DatabaseError."""
        self._fleet.clock.compare()

    def unfinished_elsewhere(self, user_id: str) -> Sequence[Place]:
        """Those of all the user's unfinished jobs."""
        return self._jobs.places_of_unfinished(user_id)

    def take_in(self, jobs: Sequence[Job], elsewhere: Sequence[Place]) -> bool:
        """Record jobs, and have their first tasks published, which is not waited for.

        False if their idempotency key is taken. Raises Busy, TooManyJobs and DatabaseError.

        Both limits may be passed by what several requests take in at the same moment, even those of
        one server, and that of the queue also by what other servers have taken in since this one
        looked at it.
        """
        if self._is_closed:
            raise Busy("Server is shutting down", _SHUTDOWN_RETRY_S)
        self._limits.check(len(jobs), len(elsewhere), self._backlog.waiting(len(jobs)))
        with_work = [
            (job, self._lookout.new_work(job, before))
            for before, job in enumerate(jobs, len(elsewhere))
        ]
        if not self._jobs.insert_with_work(*with_work):
            return False
        self._backlog.took_in(len(jobs))
        self._outbox.put([job for job, work in with_work if not work.waits])
        return True

    def in_memory(self, job_id: str) -> Job | None:
        """None: no job runs in this server."""
        return None

    def pages(self, job: Job) -> list[Page] | None:
        if job.status.has_ended:
            return None
        found = self._jobs.find_with_pages(job.job_id)
        return found.work.all_pages() if found and found.work else None

    def position(self, job_id: str) -> int | None:
        """As of a moment ago."""
        return self._backlog.place(job_id)

    def cancel(self, job_id: str, error: JobError) -> None:
        """Fail the job at once. Workers notice within two seconds that it is not wanted."""
        self._fleet.ending.fail(job_id, error)

    @property
    def counts(self) -> tuple[int, int]:
        """All jobs of the fleet, as of a moment ago."""
        return self._backlog.counts

    @property
    def is_rendering(self) -> bool:
        return False

    def problems(self) -> list[str]:
        """None: jobs are taken in even if no worker and no broker can be reached."""
        return []

    def shut_down(self, grace_s: float) -> None:
        """Take in no more jobs. Nothing of the running ones is in this server."""
        self._is_closed = True

    def cut_grace(self) -> None:
        """There is no grace."""

    def stop(self) -> None:
        """Stop once the outbox is empty, or the broker is away."""
        if self._publisher.ident is not None:
            self._outbox.put(None)
            self._publisher.join(_STOP_TIMEOUT_S)

    def _publish(self) -> None:
        while (jobs := self._outbox.get()) is not None:
            try:
                for job in jobs:
                    self._lookout.publish_first_tasks(job.job_id, job.total_pages)
            except BrokerAway:
                pass  # the lookout publishes it later
            except Exception:  # without this thread, every job would have to wait for the lookout
                logger.exception("messages could not be published")
