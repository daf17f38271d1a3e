"""The interface between JobService, which decides what users may do, and what runs their jobs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from wordai_jobs.config import Config
from wordai_jobs.errors import Busy, TooManyJobs
from wordai_jobs.jobs.housekeeping import Chore
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.job import Job, JobError, Place

_QUEUE_FULL_RETRY_S = 10
_TOO_MANY_RETRY_S = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """How many jobs an engine takes in."""

    per_user: int
    queued: int

    @classmethod
    def of(cls, config: Config) -> "Limits":
        return cls(config.limits.max_active_jobs_per_user, config.jobs.max_queued)

    def check(self, new: int, of_user: int, waiting: int) -> None:
        """Raises TooManyJobs or Busy if there is no room for all the new jobs of a user.

        The user has `of_user` unfinished jobs, and `waiting` jobs of all users are in the queue.
        """
        if of_user + new > self.per_user:
            raise TooManyJobs(self.per_user, of_user, new, _TOO_MANY_RETRY_S)
        if waiting + new > self.queued:
            room = "is full" if new == 1 else f"has no room for {new} jobs"
            raise Busy(f"The queue {room}: {waiting} jobs are waiting", _QUEUE_FULL_RETRY_S)


class Engine(Protocol):
    """Records new jobs, runs them to their end, and knows how far each has got.

    All methods that look at jobs raise DatabaseError.
    """

    # What has to be done regularly while the server runs.
    chores: Sequence[Chore]
    # Called with each job that `in_memory` is about to forget, in most cases because it has ended.
    on_forget: list[Callable[[Job], None]]

    def start(self) -> None:
        """Start what does not need the database. Returns at once."""

    def open(self) -> None:
        """The database has been reached: from now on, jobs are taken in. Raises DatabaseError."""

    def unfinished_elsewhere(self, user_id: str) -> Sequence[Place]:
        """The places of a user's unfinished jobs: of all that do not run in this server."""

    def take_in(self, jobs: Sequence[Job], elsewhere: Sequence[Place]) -> bool:
        """Record new jobs of one user, all or none, and see to it that they run in this order.

        `elsewhere`: what `unfinished_elsewhere` has found just now. False if the idempotency key of
        the first is taken. Raises TooManyJobs, Busy and DatabaseError; then there is no job.
        """

    def in_memory(self, job_id: str) -> Job | None:
        """The current state of a job that this server runs; None if it has to be read."""

    def pages(self, job: Job) -> Sequence[Page] | None:
        """The pages so far of a job that runs; None if it does not run (any more)."""

    def position(self, job_id: str) -> int | None:
        """The job's place in the queue (1 is next); None if it does not wait."""

    def cancel(self, job_id: str, error: JobError) -> None:
        """Make a job fail with this error. Returns once it has ended, or its end takes too long."""

    @property
    def counts(self) -> tuple[int, int]:
        """The numbers of waiting and of running jobs."""

    @property
    def is_rendering(self) -> bool:
        """Whether pages of jobs are being rendered in this server."""

    def problems(self) -> list[str]:
        """A message for each part of the engine that does not work."""

    def shut_down(self, grace_s: float) -> None:
        """Take in no more jobs, and give the jobs that run in this server `grace_s` to end."""

    def cut_grace(self) -> None:
        """End the grace now. A signal handler calls this, so it must not wait for a lock."""

    def stop(self) -> None:
        """Stop every thread and process of the engine."""
