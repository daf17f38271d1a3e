"""Rendering children that hang, crash, or are killed: each costs its own job at most."""

import os
import signal
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.conftest import StartServer
from tests.support.client import Client
from tests.support.leftovers import check_end, staged
from tests.support.pdfs import hanging_pdf, photo_pdf, text_pdf
from tests.support.processes import busy_renderer, fork_server, is_alive, kill, renderers
from tests.support.server import EMBEDDED, ServerProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long_file(40)

SETTINGS = {"rendering.page_timeout_s": 2, "rendering.processes": 2}
CHILDREN = 3  # two renderers and the inspector


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that gives a page two seconds."""
    server = ServerProcess(tmp_path_factory.mktemp("strict"), SETTINGS).start().wait_until_ready()
    yield server
    assert server.stop() == 0


@pytest.fixture
def user(strict: ServerProcess) -> Client:
    return Client(strict.url, f"user-{uuid4().hex[:8]}")


def wait_for_all_children(server: ServerProcess) -> list[int]:
    return wait_until(
        lambda: found if len(found := renderers(server)) == CHILDREN else None, what="all children"
    )


def kill_the_busy_child(server: ServerProcess, work_s: float) -> int:
    pid = busy_renderer(server.pid, work_s)
    kill(pid)
    return pid


def test_a_page_that_hangs_fails_its_job_only_and_its_child_is_replaced(
    strict: ServerProcess, user: Client
) -> None:
    wait_for_all_children(strict)
    hanging, good = user.submit(hanging_pdf()), user.submit(text_pdf(30))
    assert user.end_of(good)["status"] == "completed"
    job = user.end_of(hanging)
    assert job["error"] == "Page 1 took longer than 2 s"
    assert job["message"] == "PDF processing failed: Page 1 took longer than 2 s"
    assert staged(strict.data) == []
    wait_for_all_children(strict)


def test_a_page_that_crashes_its_child_twice_fails_its_job(start_server: StartServer) -> None:
    server = start_server({"rendering.page_timeout_s": 60, "rendering.processes": 2})
    wait_for_all_children(server)
    user = Client(server.url, "somebody")
    job_id = user.submit(hanging_pdf())
    first = kill_the_busy_child(server, work_s=0.3)
    second = kill_the_busy_child(server, work_s=0.3)
    assert first != second
    assert user.end_of(job_id)["error"] == "Page 1 crashed the renderer"
    assert staged(server.data) == []
    wait_for_all_children(server)


def test_a_child_killed_once_costs_nobody_anything(strict: ServerProcess, user: Client) -> None:
    # Pages that take long enough for two kills, also on a busy machine.
    jobs = [user.submit(text_pdf(150)) for _ in range(2)]
    for _ in range(2):
        kill_the_busy_child(strict, work_s=0.05)
    for job_id in jobs:
        job = user.end_of(job_id)
        assert job["status"] == "completed", job
        check_end(user, job)
    wait_for_all_children(strict)


def test_children_killed_while_idle_are_replaced_before_they_are_missed(
    strict: ServerProcess, user: Client
) -> None:
    for pid in wait_for_all_children(strict):
        kill(pid)
        wait_until(lambda pid=pid: not is_alive(pid))  # type: ignore[misc]
    job = user.end_of(user.submit(photo_pdf()))
    assert job["status"] == "completed", job
    assert user.end_of(user.submit(text_pdf(30)))["status"] == "completed"


def test_no_child_outlives_a_server_that_is_killed(start_server: StartServer) -> None:
    server = start_server({**EMBEDDED, "rendering.processes": 2}).wait_until_ready()
    user = Client(server.url, "somebody")
    job_id = user.submit(hanging_pdf())
    wait_until(lambda: user.job(job_id)["progress"] >= 30)
    children = server.children()
    assert len(children) == CHILDREN + 2, "and the fork server, and the database"
    # It cannot see its socket end: this is the kernel's doing.
    os.kill(fork_server(server)[0], signal.SIGSTOP)
    server.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in children), what="their end")


def test_a_job_that_takes_too_long_as_a_whole_fails(start_server: StartServer) -> None:
    settings = {"jobs.timeout_s": 2, "jobs.workers": 1, "rendering.page_timeout_s": 60}
    server = start_server({**settings}).wait_until_ready()
    user = Client(server.url, "somebody")
    running, waiting = user.submit(hanging_pdf()), user.submit(hanging_pdf())
    assert user.end_of(running)["error"] == "Job took longer than 2 s"
    assert user.end_of(waiting)["error"] == "Job took longer than 2 s"
    assert staged(server.data) == []
    # On a busy machine, it may take more than its 2 s.
    wait_until(
        lambda: user.end_of(user.submit(photo_pdf()))["status"] == "completed", what="a good job"
    )
    assert server.stop() == 0
