"""Metrics of pages and of the children that render them. The children do not import this module."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Histogram

_PAGE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Restart(StrEnum):
    """Why a child was replaced."""

    HANG = "hang"  # a page took too long
    CRASH = "crash"  # it ended while it worked, by itself or killed from outside
    SANDBOX = "sandbox"  # it made a system call that its sandbox forbids
    MEMORY = "memory"  # it had no memory left
    CANCELLED = "cancelled"  # the job of its page was not wanted any more
    LOST = "lost"  # it was gone when it was needed
    START = "start"  # it did not start


class ImageRequest(StrEnum):
    """What became of a request for an image in another resolution than the stored one."""

    CACHED = "cached"  # the image was there
    RENDERED = "rendered"
    FAILED = "failed"  # the page cannot be rendered in this resolution
    REFUSED = "refused"  # too many others waited


class RenderMetrics:
    """Called by the threads that drive the children. Times are in seconds."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._page = Histogram(
            "wordai_jobs_page_render_duration_seconds",
            "Time that a page took to be rendered, encoded and written.",
            registry=registry,
            buckets=_PAGE_BUCKETS,
        )
        self._restarts = Counter(
            "wordai_jobs_child_restarts",
            "Children that were replaced, by kind of child and reason.",
            ["child", "reason"],
            registry=registry,
        )
        self._images = Counter(
            "wordai_jobs_image_requests",
            "Requests for images in another resolution than the stored one, by outcome.",
            ["outcome"],
            registry=registry,
        )
        for outcome in ImageRequest:
            self._images.labels(outcome)
        for child in ("renderer", "inspector"):
            for reason in Restart:
                self._restarts.labels(child, reason)

    def page_rendered(self, took_s: float) -> None:
        self._page.observe(took_s)

    def image_requested(self, outcome: ImageRequest) -> None:
        self._images.labels(outcome).inc()

    def renderer_restarted(self, reason: Restart) -> None:
        self._restarts.labels("renderer", reason).inc()

    def inspector_restarted(self, reason: Restart) -> None:
        self._restarts.labels("inspector", reason).inc()
