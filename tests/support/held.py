"""Jobs that are held up, so that a test sees what a person sees of a long job."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Route

from tests.support import processes
from tests.support.client import Client
from tests.support.pdfs import hanging_pdf
from tests.support.server import ServerProcess
from tests.support.visitor import Visitor
from tests.support.waiting import wait_until

# With these settings a stopped renderer, or a page that takes hours, holds up its job forever.
SLOW = {"rendering.processes": 1, "rendering.page_timeout_s": 600, "jobs.shutdown_grace_s": 1}


def hanging_job(client: Client, server: ServerProcess) -> str:
    """A job that never gets beyond its first page; its renderer is stopped, so it costs nothing."""
    job_id = client.submit(hanging_pdf())
    wait_until(lambda: client.job(job_id)["progress"] >= 30, what="a job that renders")
    processes.freeze_the_busy_renderer(server.pid)
    return job_id


@contextmanager
def standing_still(visitor: Visitor, server: ServerProcess) -> Iterator[None]:
    """A job that the visitor starts in this block renders no page.

    The rendering children are stopped after its upload has been checked.
    """
    stopped: set[int] = set()

    def all_are_stopped() -> bool:
        # One that has inspected an upload may end, and another one take its place.
        for pid in processes.renderers(server):
            processes.stop(pid)
            stopped.add(pid)
        return all(map(processes.is_stopped, processes.renderers(server)))

    def stop_and_go_on(route: Route) -> None:
        wait_until(all_are_stopped, what="the renderers to stop")
        route.continue_()

    visitor.page.route("**/chapters/from-pdf", stop_and_go_on)
    yield
    visitor.page.unroute("**/chapters/from-pdf")
    assert stopped
    for pid in stopped:
        processes.resume(pid)


@contextmanager
def no_page_rendered(server: ServerProcess) -> Iterator[None]:
    """Jobs stand still before their first page. Uploads are inspected as ever."""
    [renderer] = processes.renderers(server, "renderer")
    processes.stop(renderer)
    yield
    processes.resume(renderer)
