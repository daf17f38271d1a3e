"""What only Linux's prctl(2) can do for a process: end it with its parent, and give it a name that `ps` and `top` show."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent_pid: int) -> None:
    """Ask the kernel to kill this process when the thread that forked it ends, however that happens.

    A child that is stuck inside MuPDF would not notice that its input has ended. Raises OSError where that is refused.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it died before the request was made
        sys.exit(1)


def set_name(name: str) -> None:
    """The kernel keeps the first 15 bytes. Raises OSError where that is refused."""
    _prctl(_PR_SET_NAME, name.encode())


def _prctl(option: int, value: int | bytes) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")
