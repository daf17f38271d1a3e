"""Metrics of HTTP requests.

The status poll is the hottest path: measuring one request takes about two microseconds.
"""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram

_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_POLL_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMetrics:
    """Counts and times every request. Times are in seconds, without sending the body."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        requests = Counter(
            "wordai_jobs_http_requests",
            "Requests, by route, method and status.",
            ["route", "method", "status"],
            registry=registry,
        )
        duration = Histogram(
            "wordai_jobs_http_request_duration_seconds",
            "Time to the response, by route and method.",
            ["route", "method"],
            registry=registry,
            buckets=_REQUEST_BUCKETS,
        )
        # The library's own search for the sample with these labels takes longer than all the rest.
        self._requests = cache(requests.labels)
        self._duration = cache(duration.labels)
        self._polls = Histogram(
            "wordai_jobs_poll_duration_seconds",
            "Time to the response of a successful status poll.",
            registry=registry,
            buckets=_POLL_BUCKETS,
        )

    def responded(self, route: str | None, method: str, status: int, took_s: float) -> None:
        """`route`: the template that the URL matched, None if it matched none."""
        route, method = route or "unmatched", method if method in _METHODS else "other"
        self._requests(route, method, status).inc()
        self._duration(route, method).observe(took_s)

    def polled(self, took_s: float) -> None:
        """Called in addition to `responded`: the times of polls need finer buckets."""
        self._polls.observe(took_s)
