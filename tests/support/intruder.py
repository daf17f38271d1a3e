"""A fork server whose children do what PDFs with `%intrude NAME` tell them, as if these had taken
them over: `python -m tests.support.intruder PARENT_PID SANDBOX`, like the real one.

If the sandbox is `auto`, the kernel seems to have no Landlock; if it is `off`, no seccomp. A page
whose call is refused is reported as damaged; if the call succeeds, the page is rendered.
"""

import ctypes
import mmap
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from wordai_jobs import linux
from wordai_jobs.rendering import child, fork_server
from wordai_jobs.rendering.document import RenderFailed
from wordai_jobs.rendering.protocol import (
    DescribePdf,
    Failure,
    PageCount,
    PageRendered,
    PdfDescribed,
)

_libc = ctypes.CDLL(None, use_errno=True)
_PARENT = os.getpid()  # of the children: this is imported before they are forked
_SYS_IO_URING_SETUP = 425
_PTRACE_ATTACH = 16


def _io_uring() -> int:
    parameters = ctypes.create_string_buffer(120)
    number: int = _libc.syscall(_SYS_IO_URING_SETUP, 4, parameters)
    return number


def _read_memory_of_parent() -> int:
    found: int = _libc.process_vm_readv(_PARENT, None, 0, None, 0, 0)
    return found


# Each is fatal to the child that does it.
FATAL: dict[str, Callable[[], Any]] = {
    "socket": socket.socket,
    "socketpair": socket.socketpair,
    "execve": lambda: os.execv("/bin/true", ["true"]),
    "clone": os.fork,
    "kill": lambda: os.kill(_PARENT, signal.SIGKILL),
    "tgkill": lambda: _libc.tgkill(_PARENT, _PARENT, signal.SIGKILL),
    "ptrace": lambda: _libc.ptrace(_PTRACE_ATTACH, _PARENT, None, None),
    "process_vm_readv": _read_memory_of_parent,
    "mount": lambda: _libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
    "io_uring_setup": _io_uring,
    "mmap": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    "unlink": lambda: os.unlink("/tmp/there is no such file"),
    "symlink": lambda: os.symlink("/etc/passwd", "/tmp/link"),
    "ftruncate": lambda: os.ftruncate(2, 0),
    "fcntl": lambda: _libc.fcntl(0, 8, _PARENT),  # F_SETOWN: signals to somebody else
}
# Each is refused, and the child goes on.
REFUSED: dict[str, Callable[[str], Any]] = {
    "read": lambda path: Path(path).read_bytes(),
    "write": lambda path: Path(path).write_bytes(b"intruded"),
    "stat": os.stat,
    "list": os.listdir,
}


class _Intruder(child._Renderer):
    def answers(
        self, request: Any, descriptors: list[int]
    ) -> Iterator[PageCount | PdfDescribed | PageRendered]:
        assert not os.environ and not _libc.getenv(b"PATH"), "the environment is empty"
        size = os.lseek(descriptors[0], 0, os.SEEK_END)
        with mmap.mmap(descriptors[0], size, prot=mmap.PROT_READ) as pdf:
            orders = re.findall(rb"%intrude (\w+) ?(.*)", pdf)
        if orders and orders[0][0] == b"fill":
            index, size = map(int, orders[0][1].split())
            child._write([descriptors[index]], [bytes(size)])
            yield PageRendered(9, 9, ".png")
            return
        if orders and orders[0][0] == b"say":
            if isinstance(request, DescribePdf):
                os.write(descriptors[1], orders[0][1])
                yield PdfDescribed()
                return
            orders = []
        for name, path in orders:
            _obey(name.decode(), path.decode())
        yield from super().answers(request, descriptors)


def _obey(name: str, path: str) -> None:
    try:
        if name in FATAL:
            FATAL[name]()
        else:
            REFUSED[name](path)
    except OSError as error:
        raise RenderFailed(Failure.BAD_PAGE) from error


if __name__ == "__main__":
    if sys.argv[2] == "auto":
        linux.landlock_version = lambda: 0
    elif sys.argv[2] == "off":
        linux.has_seccomp = lambda: False
        sys.argv[2] = "auto"
    child._Renderer = _Intruder  # type: ignore[misc]
    fork_server.main()
