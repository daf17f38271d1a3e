"""Metrics of jobs: how many there are, how they end, and how long their steps take."""

from contextlib import AbstractContextManager
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Histogram

from wordai_jobs.model.job import ErrorClass

_WAIT_BUCKETS = (0.01, 0.1, 0.5, 1, 2, 5, 15, 30, 60, 120, 300, 600, 1800)
_DURATION_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800)


class Phase(StrEnum):
    """The steps of a job."""

    FETCH = "fetch"
    RENDER = "render"
    CREATE = "create"


class JobMetrics:
    """Counts and times jobs. Times are in seconds."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._accepted = Counter(
            "wordai_jobs_jobs_accepted",
            "Jobs that were recorded and accepted with 202.",
            registry=registry,
        )
        self._ended = Counter(
            "wordai_jobs_jobs_ended",
            "Jobs that have ended, by outcome.",
            ["outcome"],
            registry=registry,
        )
        self._failures = Counter(
            "wordai_jobs_job_failures",
            "Jobs that failed, by class of error.",
            ["error"],
            registry=registry,
        )
        self._wait = Histogram(
            "wordai_jobs_queue_wait_seconds",
            "Time from enqueueing a job to its first step.",
            registry=registry,
            buckets=_WAIT_BUCKETS,
        )
        self._duration = Histogram(
            "wordai_jobs_job_duration_seconds",
            "Time from enqueueing a job to its end, by outcome.",
            ["outcome"],
            registry=registry,
            buckets=_DURATION_BUCKETS,
        )
        self._phase = Histogram(
            "wordai_jobs_job_phase_duration_seconds",
            "Time that a step of a job took, by phase.",
            ["phase"],
            registry=registry,
            buckets=_DURATION_BUCKETS,
        )
        self._begin_at_zero()

    def accepted(self, jobs: int) -> None:
        self._accepted.inc(jobs)

    def started(self, waited_s: float) -> None:
        self._wait.observe(max(waited_s, 0))

    def phase(self, phase: Phase) -> AbstractContextManager[object]:
        """Times the block, even if it fails."""
        return self._phase.labels(phase).time()

    def completed(self, took_s: float) -> None:
        self._end("completed", took_s)

    def failed(self, error: ErrorClass, took_s: float) -> None:
        self._failures.labels(error).inc()
        self._end("failed", took_s)

    def _end(self, outcome: str, took_s: float) -> None:
        self._ended.labels(outcome).inc()
        self._duration.labels(outcome).observe(max(took_s, 0))

    def _begin_at_zero(self) -> None:
        """Create all series: `rate()` misses the first event of a series that begins with it."""
        for outcome in ("completed", "failed"):
            self._ended.labels(outcome)
            self._duration.labels(outcome)
        for error in ErrorClass:
            self._failures.labels(error)
        for phase in Phase:
            self._phase.labels(phase)
