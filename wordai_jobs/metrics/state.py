"""Gauges whose values are read at each scrape: the queue, the renderers, the disk."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge


def watch_jobs(
    registry: CollectorRegistry, counts: Callable[[], tuple[int, int]], max_queued: int
) -> None:
    """`counts` returns how many of this server's jobs are waiting, and how many are running."""
    jobs = Gauge(
        "wordai_jobs_jobs",
        "Jobs of this server that have not ended, by status.",
        ["status"],
        registry=registry,
    )
    jobs.labels("pending").set_function(lambda: counts()[0])
    jobs.labels("processing").set_function(lambda: counts()[1])
    depth = Gauge(
        "wordai_jobs_queue_depth", "Jobs that are waiting for a worker.", registry=registry
    )
    depth.set_function(lambda: counts()[0])
    Gauge(
        "wordai_jobs_queue_limit",
        "How many jobs may wait; one more is refused with 503.",
        registry=registry,
    ).set(max_queued)


def watch_renderers(registry: CollectorRegistry, ready_count: Callable[[], int]) -> None:
    Gauge(
        "wordai_jobs_renderers_ready", "Rendering processes that are ready.", registry=registry
    ).set_function(ready_count)


def watch_disk(registry: CollectorRegistry, folder: Path) -> None:
    """The disk that holds PDFs and pages; NaN if its usage cannot be read."""
    free = Gauge(
        "wordai_jobs_disk_free_bytes",
        "Free space on the disk of the data folder.",
        registry=registry,
    )
    free.set_function(lambda: _usage(folder)[0])
    size = Gauge(
        "wordai_jobs_disk_size_bytes", "Size of the disk of the data folder.", registry=registry
    )
    size.set_function(lambda: _usage(folder)[1])


def _usage(folder: Path) -> tuple[float, float]:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return math.nan, math.nan
    return usage.free, usage.total
