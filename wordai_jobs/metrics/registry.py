"""All metrics of one application."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Info, Metric, ProcessCollector

from wordai_jobs import __version__
from wordai_jobs.metrics.database import DatabaseMetrics
from wordai_jobs.metrics.http import HttpMetrics
from wordai_jobs.metrics.jobs import JobMetrics
from wordai_jobs.rendering.metrics import RenderMetrics


class Registry(CollectorRegistry):
    """Leaves out the `_created` samples: they would double the number of series and nobody asks for
    them.
    """

    def collect(self) -> Iterable[Metric]:
        for family in super().collect():
            family.samples = [
                sample for sample in family.samples if not sample.name.endswith("_created")
            ]
            yield family


class Metrics:
    """The groups of metrics, in one registry."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.jobs = JobMetrics(self.registry)
        self.rendering = RenderMetrics(self.registry)
        self.database = DatabaseMetrics(self.registry)
        self.http = HttpMetrics(self.registry)
        Info("wordai_jobs_build", "The version that runs.", registry=self.registry).info(
            {"version": __version__}
        )
        ProcessCollector(registry=self.registry)
