"""What only Linux can do for a process, by way of the C library.

Python has pidfds too, but not where it was built against headers from before Linux 5.3, as Conda's
and others are.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
# The same on every architecture that PyMuPDF is built for: asm-generic/unistd.h.
_SYS_PIDFD_SEND_SIGNAL = 424
_SYS_PIDFD_OPEN = 434

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent_pid: int) -> None:
    """Ask the kernel to kill this process when the thread that forked it ends, however that
    happens.

    A child that is stuck inside MuPDF would not notice that its input has ended. Raises OSError
    where that is refused.
    """
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
    if os.getppid() != parent_pid:  # it died before the request was made
        sys.exit(1)


def set_name(name: str) -> None:
    """What `ps` and `top` show; the kernel keeps the first 15 bytes. Raises OSError where that is
    refused.
    """
    _checked(_libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0))


def pidfd_open(pid: int) -> int:
    """A descriptor that stands for the process whatever becomes of its id, and can be read once it
    has ended.
    """
    return _checked(_libc.syscall(_SYS_PIDFD_OPEN, pid, 0))


def pidfd_kill(pidfd: int) -> None:
    """SIGKILL; raises ProcessLookupError where the process has ended and been waited for."""
    _checked(_libc.syscall(_SYS_PIDFD_SEND_SIGNAL, pidfd, signal.SIGKILL, None, 0))


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
