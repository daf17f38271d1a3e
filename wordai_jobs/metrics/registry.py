"""The registry of one application's metrics."""

from prometheus_client import CollectorRegistry, Info, ProcessCollector, disable_created_metrics

from wordai_jobs import __version__


def new_registry() -> CollectorRegistry:
    """A registry with the version and the metrics of the process; the parts add theirs."""
    # `_created` samples would double the number of series, and nobody uses them.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    build = Info("wordai_jobs_build", "The version that runs.", registry=registry)
    build.info({"version": __version__})
    ProcessCollector(registry=registry)
    return registry
