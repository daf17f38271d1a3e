"""Metrics of failed database operations."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter


class DatabaseFault(StrEnum):
    """Whether the database could not be reached, or refused the operation."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"


class DatabaseMetrics:
    """Counts failed operations; each try counts."""

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
