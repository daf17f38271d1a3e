"""The server's children, found from outside."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from tests.support.server import ServerProcess, descendants
from tests.support.waiting import wait_until

_ALL_RENDERERS = ("renderer", "inspector")


def name(pid: int) -> str:
    """As `ps` and `top` show it; empty where the process is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def parent(pid: int) -> int:
    """The process id of the parent; 0 where the process is gone."""
    return _number(pid, 1)


def renderers(server: ServerProcess, *names: str) -> list[int]:
    """The rendering children, the one that inspects uploads included unless only some are asked
    for.
    """
    return named(server.pid, *(names or _ALL_RENDERERS))


def fork_server(server: ServerProcess) -> list[int]:
    """The process that the rendering children are forked from."""
    return named(server.pid, "fork server")


def database(server: ServerProcess) -> list[int]:
    return named(server.pid, "secantusd")


def named(ancestor_pid: int, *names: str) -> list[int]:
    """Living processes below it whose name begins so, the oldest first.

    Their ids do not tell: those begin anew after 32,768 processes.
    """
    return sorted(
        (pid for pid in descendants(ancestor_pid) if name(pid).startswith(names)), key=_started_at
    )


def _started_at(pid: int) -> int:
    """In clock ticks after boot; 0 where the process is gone."""
    return _number(pid, 19)


def _number(pid: int, field: int) -> int:
    """A field of the process's stat, counted from its state, which is 0; 0 where the process is
    gone.
    """
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[field])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def cpu_ticks(pid: int) -> int:
    """Processor time used so far; 0 where the process is gone."""
    return _number(pid, 11) + _number(pid, 12)


def busiest(pids: list[int], ticks_before: dict[int, int], work_s: float) -> int | None:
    """The child that has worked for so many seconds since."""
    enough = work_s * os.sysconf("SC_CLK_TCK")
    working = [pid for pid in pids if cpu_ticks(pid) - ticks_before.get(pid, 0) >= enough]
    return working[0] if working else None


def busy_renderer(server_pid: int, work_s: float) -> int:
    """A rendering child, once it has worked for so many seconds from now on."""
    before = {pid: cpu_ticks(pid) for pid in descendants(server_pid)}
    return wait_until(
        lambda: busiest(named(server_pid, *_ALL_RENDERERS), before, work_s), what="a busy renderer"
    )


def freeze_the_busy_renderer(server_pid: int) -> None:
    """Stop the renderer whose page takes hours: its job goes on as before, and the processor is
    free for other tests.
    """
    os.kill(busy_renderer(server_pid, 0.1), signal.SIGSTOP)


def is_stopped(pid: int) -> bool:
    """Whether every thread of the process has been stopped by a signal."""
    states = [
        stat.read_text().rpartition(")")[2].split()[0]
        for stat in Path(f"/proc/{pid}/task").glob("*/stat")
    ]
    return set(states) == {"T"}


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def memory_kb(pid: int, peak: bool = False) -> int:
    """Memory in use, or the most that ever was."""
    field = "VmHWM:" if peak else "VmRSS:"
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(field)))
