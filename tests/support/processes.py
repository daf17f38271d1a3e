"""The processes below a server, seen from outside."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.support.server import ServerProcess

_ALL_RENDERERS = ("renderer", "inspector")

T = TypeVar("T")


def _ask(pid: int, question: Callable[[psutil.Process], T], if_gone: T) -> T:
    try:
        return question(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return if_gone


def is_alive(pid: int) -> bool:
    status = _ask(pid, psutil.Process.status, psutil.STATUS_DEAD)
    return status not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def name(pid: int) -> str:
    """As `ps` and `top` show it; empty if the process is gone."""
    return _ask(pid, psutil.Process.name, "")


def descendants(pid: int) -> list[int]:
    """Every living process below `pid`."""
    below: list[psutil.Process] = _ask(pid, lambda it: it.children(recursive=True), [])
    return [process.pid for process in below if is_alive(process.pid)]


def named(ancestor_pid: int, *names: str) -> list[int]:
    """Living processes below it whose name starts with one of these, the oldest first."""
    found = [pid for pid in descendants(ancestor_pid) if name(pid).startswith(names)]
    # Ids do not tell the age: they start again after 32,768 processes.
    return sorted(found, key=lambda pid: _ask(pid, psutil.Process.create_time, 0.0))


def renderers(server: "ServerProcess", *names: str) -> list[int]:
    """The rendering children with these names; if none is given, also the inspector of uploads."""
    return named(server.pid, *(names or _ALL_RENDERERS))


def fork_server(server: "ServerProcess") -> list[int]:
    """The process that the rendering children are forked from. They have its name at first."""
    return [
        pid
        for pid in named(server.pid, "fork server")
        if _ask(pid, psutil.Process.ppid, 0) == server.pid
    ]


def database(server: "ServerProcess") -> list[int]:
    return named(server.pid, "secantusd")


def busy_renderer(server_pid: int, work_s: float) -> int:
    """A rendering child, once it has used this much processor time from now on."""

    def used_s(pid: int) -> float:
        return _ask(pid, lambda it: it.cpu_times().user + it.cpu_times().system, 0.0)

    before = {pid: used_s(pid) for pid in descendants(server_pid)}

    def busy() -> int | None:
        children = named(server_pid, *_ALL_RENDERERS)
        return next((pid for pid in children if used_s(pid) - before.get(pid, 0) >= work_s), None)

    return wait_until(busy, what="a busy renderer")


def freeze_the_busy_renderer(server_pid: int) -> None:
    """Stop the renderer whose page takes hours: its job stays unfinished and costs nothing."""
    os.kill(busy_renderer(server_pid, 0.1), signal.SIGSTOP)


def is_stopped(pid: int) -> bool:
    """Whether a signal has stopped every thread of the process; also if it is gone."""
    threads: list[Any] = _ask(pid, psutil.Process.threads, [])
    stopped, gone = psutil.STATUS_STOPPED, psutil.STATUS_DEAD
    return all(_ask(it.id, psutil.Process.status, gone) in (stopped, gone) for it in threads)


def stop(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)


def resume(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def memory_kb(pid: int, peak: bool = False) -> int:
    """Resident memory, now or (which psutil does not tell) the most that there ever was."""
    if not peak:
        return int(psutil.Process(pid).memory_info().rss // 1024)
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])
