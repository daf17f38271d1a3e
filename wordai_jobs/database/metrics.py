"""Metrics of failed database operations."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter


class DatabaseFault(StrEnum):
    """Why an operation failed: the database could not be reached, or refused it."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"


class DatabaseMetrics:
    """Counts failed operations; a repeated operation counts each time."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._errors = Counter(
            "wordai_jobs_database_errors",
            "Database operations that failed, by kind of fault.",
            ["fault"],
            registry=registry,
        )
        for fault in DatabaseFault:
            self._errors.labels(fault)

    def failed(self, fault: DatabaseFault) -> None:
        self._errors.labels(fault).inc()
