"""Jobs that are held up, so that a test sees what a person sees of a long job."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

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
    stopped: list[int] = []

    def stop_and_go_on(route: Route) -> None:
        stopped.extend(processes.renderers(server))
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        for pid in stopped:
            wait_until(partial(processes.is_stopped, pid), what="the renderers to stop")
        route.continue_()

    visitor.page.route("**/chapters/from-pdf", stop_and_go_on)
    yield
    visitor.page.unroute("**/chapters/from-pdf")
    assert stopped
    for pid in stopped:
        if processes.is_alive(pid):
            os.kill(pid, signal.SIGCONT)
