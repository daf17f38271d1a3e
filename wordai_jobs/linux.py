"""System calls of Linux that Python does not offer. No other module loads the C library.

Python offers pidfds too, but not if it was built with headers older than Linux 5.3, as Conda's is.

`python linux.py PARENT_PID PROGRAM [ARGUMENT ...]` asks the kernel to kill it when the thread that
started it ends, and then becomes the program.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
# mallopt(3). A larger threshold than 32 MB is refused on 64-bit machines.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGEST_MMAP_THRESHOLD = 32 * 1024 * 1024
# The same on every architecture that PyMuPDF is built for: asm-generic/unistd.h.
_SYS_PIDFD_SEND_SIGNAL = 424
_SYS_PIDFD_OPEN = 434

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread that started it ends, however that happens.

    A child that is stuck inside MuPDF would not notice that its parent is gone. Raises OSError if
    the kernel refuses.
    """
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
    if os.getppid() != parent_pid:  # the parent died before the kernel was asked
        sys.exit(1)


def dying_with_parent(command: list[str]) -> list[str]:
    """`command`, extended so that the kernel kills it when the thread that starts it ends."""
    # Without the installed packages, this file alone starts in 20 ms.
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def keep_freed_memory(limit_bytes: int) -> None:
    """Have this process and those forked from it keep up to `limit_bytes` of freed memory.

    A renderer frees some 15 MB after each page and needs it again for the next. If it went back to
    the kernel, each page would fault it in again: 4,319 faults and 10 ms.
    """
    if hasattr(_libc, "mallopt"):  # the C library of Alpine has none
        _libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
        _libc.mallopt(_M_TRIM_THRESHOLD, limit_bytes)


def set_name(name: str) -> None:
    """Set the name that `ps` and `top` show; the kernel keeps its first 15 bytes.

    Raises OSError if the kernel refuses.
    """
    _checked(_libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0))


def pidfd_open(pid: int) -> int:
    """A descriptor of the process, which becomes readable when the process ends.

    It never refers to another process, even if the id is used again.
    """
    return _checked(_libc.syscall(_SYS_PIDFD_OPEN, pid, 0))


def pidfd_kill(pidfd: int) -> None:
    """Send SIGKILL; raises ProcessLookupError if the process has ended and been waited for."""
    _checked(_libc.syscall(_SYS_PIDFD_SEND_SIGNAL, pidfd, signal.SIGKILL, None, 0))


def sync_file_system(folder: os.PathLike[str]) -> None:
    """Write everything on the folder's file system to the disk at once (syncfs).

    For the 566 files of a book this took 0.02 s; an fsync for each took 1 to 2 s.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _checked(_libc.syncfs(descriptor))
    finally:
        os.close(descriptor)


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
