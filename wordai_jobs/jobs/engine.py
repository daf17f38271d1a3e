"""The interface between JobService, which decides what users may do, and what runs their jobs."""

from collections.abc import Sequence
from typing import Protocol

from wordai_jobs.jobs.housekeeping import Chore
from wordai_jobs.model.book import Page
from wordai_jobs.model.job import Job, JobError


class Engine(Protocol):
    """Records new jobs, runs them to their end, and knows how far each has got.

    All methods that look at jobs raise DatabaseError.
    """

    # What has to be done regularly while the server runs.
    chores: Sequence[Chore]

    def start(self) -> None:
        """Start what does not need the database. Returns at once."""

    def open(self) -> None:
        """The database has been reached: from now on, jobs are taken in. Raises DatabaseError."""

    def take_in(self, job: Job) -> bool:
        """Record a new job, and see to it that it runs. False if its idempotency key is taken.

        Raises TooManyJobs, Busy and DatabaseError; then there is no job.
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
