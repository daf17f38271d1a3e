"""A server process, as other servers on the same database know it."""

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from wordai_jobs.clock import utc_now

HEARTBEAT_INTERVAL_S = 5
# Six heartbeats missed: a server that pauses for less keeps its jobs.
STALE_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Instance:
    """`machine` names a running kernel and a PID namespace; inside one, `pid` and `started` name a
    process for good.
    """

    instance_id: str
    hostname: str
    machine: str
    pid: int
    started: int
    heartbeat_at: datetime

    @classmethod
    def of_this_process(cls) -> "Instance":
        pid = os.getpid()
        started = _start_time(pid)
        assert started is not None
        return cls(str(uuid4()), socket.gethostname(), _machine(), pid, started, utc_now())

    def is_dead(self, now: datetime) -> bool:
        """Whether its jobs need another server: told from the process where that can be seen, else
        from its heartbeat.
        """
        if self.machine == _machine():
            return _start_time(self.pid) != self.started
        return now - self.heartbeat_at > STALE_AFTER


def _machine() -> str:
    """Containers on one host share the boot id, not the PID namespace; both are needed to compare
    process ids.
    """
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot_id} {os.readlink('/proc/self/ns/pid')}"


def _start_time(pid: int) -> int | None:
    """When a process started, in clock ticks after boot; None where it is gone, or only its zombie
    is left.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in parentheses, may hold anything; fields are counted after it (proc(5): state is 3,
    # starttime 22).
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
