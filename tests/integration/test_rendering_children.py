"""Children that render or inspect, and the process that they are forked from, each on its own."""

import os
import queue
import resource
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.support.renderers import GARBAGE, SETTINGS, own_children, rendered, take_over
from tests.support.waiting import wait_until
from wordai_jobs import linux
from wordai_jobs.errors import Busy, InvalidPdf
from wordai_jobs.rendering import fork_server_process
from wordai_jobs.rendering.child_process import ChildProcess
from wordai_jobs.rendering.fork_client import ForkServer
from wordai_jobs.rendering.forked_process import ChildEnded
from wordai_jobs.rendering.inspector import Inspector
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.rendering.protocol import Failed, InspectPdf, PageCount, encode


def test_the_child_of_an_upload_opens_no_other(fork_server: ForkServer, pdf: Path) -> None:
    inspector = Inspector(SETTINGS, fork_server)
    inspector.start()
    seen = set()
    try:
        for _ in range(3):
            seen.add(wait_until(lambda: own_children("inspector") or None, what="an inspector")[0])
            assert inspector.inspect(pdf).page_count == 3
            wait_until(lambda: not set(own_children("inspector")) & seen, what="its end")
    finally:
        inspector.stop()
    assert len(seen) == 3


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
def test_an_inspector_that_sends_garbage_refuses_the_upload_and_is_replaced(
    fork_server: ForkServer,
    pdf: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
) -> None:
    inspector = Inspector(SETTINGS, fork_server)
    inspector.start()
    try:
        with monkeypatch.context() as taken_over:
            take_over(taken_over, answer)
            with pytest.raises(InvalidPdf, match="damaged"):
                inspector.inspect(pdf)
        assert inspector.inspect(pdf).page_count == 3
    finally:
        inspector.stop()


def test_an_upload_is_not_to_blame_if_no_inspector_can_be_started(
    pdf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork_server = ForkServer()
    inspector = Inspector(SETTINGS, fork_server)
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", str(tmp_path / "no such program"))
        inspector.start()
        with pytest.raises(Busy, match="try again soon"):
            inspector.inspect(pdf)
    try:
        assert inspector.inspect(pdf).page_count == 3
    finally:
        inspector.stop()
        fork_server.stop()


def test_a_child_that_cannot_be_started_is_an_error_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no such program"))
    with pytest.raises(ChildEnded, match="renderer 1 could not be started"):
        ChildProcess("renderer 1", SETTINGS, ForkServer()).start()


def test_a_child_that_fails_on_its_way_is_an_error_and_its_siblings_go_on(
    fork_server: ForkServer,
    pool: RenderPool,
    pdf: Path,
    tmp_path: Path,
) -> None:
    before = own_children("renderer")
    with pytest.raises(ChildEnded, match="exited with 1"):
        # More memory than the kernel has a number for.
        settings = SETTINGS.model_copy(update={"memory_limit_mb": 2**60})
        ChildProcess("renderer 2", settings, fork_server).start()
    assert own_children("renderer") == before
    assert rendered(pool, pdf, tmp_path / "later") == 3


def test_a_child_that_reads_no_request_does_not_hold_up_the_server(fork_server: ForkServer) -> None:
    """It may answer requests without having read them."""
    child = ChildProcess("renderer 7", SETTINGS, fork_server)
    child.start()
    os.kill(own_children("renderer 7")[0], signal.SIGSTOP)
    outcome: queue.SimpleQueue[ChildEnded] = queue.SimpleQueue()

    def send_on_and_on() -> None:
        try:
            while True:
                child.send(InspectPdf(), [])
        except ChildEnded as error:
            outcome.put(error)

    threading.Thread(target=send_on_and_on, daemon=True).start()
    try:
        outcome.get(timeout=30)
    finally:
        child.kill()


def test_a_child_that_has_ended_is_not_asked_for_its_forbidden_calls(
    fork_server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some kernels would never answer (seccomp_unotify(2), Bugs)."""
    child, asked = ChildProcess("renderer 6", SETTINGS, fork_server), list[int]()
    child.start()
    monkeypatch.setattr(linux, "notified_call", asked.append)
    try:
        [pid] = own_children("renderer 6")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not child.is_running, what="the end of the child")
        with pytest.raises(ChildEnded, match="was ended by SIGKILL"):
            child.receive(PageCount, timeout_s=30)
    finally:
        child.kill()
    assert asked == []


def test_descriptors_that_a_child_sends_with_an_answer_are_not_taken(
    fork_server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = ChildProcess("renderer 5", SETTINGS, fork_server)
    child.start()
    assert child._process
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with ours, its, monkeypatch.context() as taken_over:
            taken_over.setattr(child._process, "connection", ours)
            before = descriptors()
            socket.send_fds(its, [encode(PageCount(3))], [its.fileno()] * 5)
            assert child.receive(PageCount, timeout_s=30) == PageCount(3)
            assert descriptors() == before
    finally:
        child.kill()


def test_a_server_that_is_out_of_descriptors_gets_no_child_and_loses_none(
    fork_server: ForkServer,
) -> None:
    """However few file descriptors are free, there is a child, or an error with a message."""
    child = ChildProcess("renderer 1", SETTINGS, fork_server)
    outcomes = []
    for room in range(14):
        fork_server_of_its_own = ForkServer()
        other = ChildProcess("renderer 2", SETTINGS, fork_server_of_its_own)
        child.start()
        before = descriptors()
        child.kill()
        for one in (child, other):
            with room_for_descriptors(room):
                outcomes.append(is_started(one))
        other.kill()
        fork_server_of_its_own.stop()
        child.start()
        assert descriptors() == before and len(own_children("renderer 1")) == 1, room
        if outcomes[-2:] == [True, True]:
            break
    child.kill()
    assert set(outcomes) == {True, False}


def is_started(child: ChildProcess) -> bool:
    try:
        child.start()
        return True
    except ChildEnded:
        return False


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@contextmanager
def room_for_descriptors(room: int) -> Iterator[None]:
    """This process can open this many more descriptors."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 32, before[1])
    )
    taken: list[int] = []
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(min(room, len(taken))):
            os.close(taken.pop())
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for descriptor in taken:
            os.close(descriptor)


def test_a_worn_fork_server_is_replaced_and_its_children_work_on_until_they_end(
    pdf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_server_process, "_MOST_CHILDREN", 3)
    others, fork_server = set(own_children("fork server")), ForkServer()

    def fork_servers() -> list[int]:
        return [pid for pid in own_children("fork server") if pid not in others]

    first, other = (ChildProcess(f"renderer {number}", SETTINGS, fork_server) for number in (1, 2))
    try:
        first.start()
        [worn] = fork_servers()
        for _ in range(2):
            other.start()
        wait_until(lambda: len(fork_servers()) == 2, what="the next fork server")
        assert page_count(first, pdf) == page_count(other, pdf) == PageCount(3)
        wait_until(lambda: parent_of_new(other) != worn, what="its first child")
        assert worn in fork_servers(), "it has a child"
        first.kill()
        wait_until(lambda: worn not in fork_servers(), what="its end")
        assert page_count(other, pdf) == PageCount(3)
    finally:
        first.kill()
        other.kill()
        fork_server.stop()
    assert own_children("renderer") == fork_servers() == []


def test_idle_children_of_a_worn_fork_server_are_replaced_with_it(
    pdf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_server_process, "_MOST_CHILDREN", 3)
    others, fork_server = set(own_children("fork server")), ForkServer()
    pool, inspector = RenderPool(SETTINGS, fork_server), Inspector(SETTINGS, fork_server)
    another = ChildProcess("renderer 2", SETTINGS, fork_server)
    try:
        pool.start()
        inspector.start()
        wait_until(lambda: len(own_children("renderer 1", "inspector")) == 2, what="the children")
        [worn] = set(own_children("fork server")) - others
        another.start()
        another.kill()
        wait_until(lambda: worn not in own_children("fork server"), what="its end")
        wait_until(
            lambda: len(own_children("renderer 1", "inspector")) == 2, what="the new children"
        )
        assert inspector.inspect(pdf).page_count == 3
    finally:
        pool.stop()
        inspector.stop()
        fork_server.stop()


def parent_of_new(child: ChildProcess) -> int:
    child.start()
    return psutil.Process(own_children(child.name)[0]).ppid()


def page_count(child: ChildProcess, pdf: Path) -> PageCount | Failed:
    with open(pdf, "rb") as content:
        child.send(InspectPdf(), [content.fileno()])
    return child.receive(PageCount, 30)


def test_a_fork_server_that_does_not_answer_is_replaced(
    pdf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_server_process, "_ANSWER_TIMEOUT_S", 0.5)
    others, fork_server = own_children("fork server"), ForkServer()
    child = ChildProcess("renderer 1", SETTINGS, fork_server)
    try:
        child.start()
        [before] = set(own_children("fork server")) - set(others)
        os.kill(before, signal.SIGSTOP)
        child.start()
        assert page_count(child, pdf) == PageCount(3)
        [now] = set(own_children("fork server")) - set(others)
        assert now != before
    finally:
        child.kill()
        fork_server.stop()
    assert own_children("fork server", "renderer") == others
