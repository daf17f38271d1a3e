"""System calls of Linux that Python does not offer. No other module loads the C library.

Python offers pidfds too, but not if it was built with headers older than Linux 5.3, as Conda's is.

`python linux.py PARENT_PID PROGRAM [ARGUMENT ...]` asks the kernel to kill it when the thread that
started it ends, and then becomes the program.
"""

import ctypes
import errno
import fcntl
import os
import signal
import struct
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
_PR_SET_NO_NEW_PRIVS = 38
# mallopt(3). A larger threshold than 32 MB is refused on 64-bit machines.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGEST_MMAP_THRESHOLD = 32 * 1024 * 1024
_USUAL_MMAP_THRESHOLD = 128 * 1024
# The same on every architecture that PyMuPDF is built for: asm-generic/unistd.h.
_SYS_PIDFD_SEND_SIGNAL = 424
_SYS_PIDFD_OPEN = 434
_SYS_LANDLOCK_CREATE_RULESET = 444
_SYS_LANDLOCK_RESTRICT_SELF = 446
# Not the same on every architecture. Without a number there is no seccomp here.
_SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}.get(os.uname().machine)
# linux/landlock.h
_LANDLOCK_VERSION = 1
_FILE_ACCESSES = {1: 13, 2: 14, 3: 15, 4: 15}  # by version; 16 from version 5 on
_NETWORK_ACCESSES, _NETWORK_SINCE = 0b11, 4
_SCOPES, _SCOPES_SINCE = 0b11, 6
# linux/seccomp.h
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_GET_ACTION_AVAIL = 2
_SECCOMP_FILTER_FLAG_NEW_LISTENER = 8
_SECCOMP_RET_USER_NOTIF = 0x7FC00000
_SECCOMP_IOCTL_NOTIF_RECV = 0xC0502100
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")  # seccomp_notif, with its seccomp_data
_BPF_INSTRUCTION_BYTES = 8

_libc = ctypes.CDLL(None, use_errno=True)


class _MallocInfo(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    ]


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


def return_freed_memory() -> None:
    """Have this process, but none that it starts, give large blocks back as soon as they are freed.

    Otherwise the C library keeps blocks of up to the size of the largest that was freed so far.
    """
    if hasattr(_libc, "mallopt"):  # as above
        _libc.mallopt(_M_MMAP_THRESHOLD, _USUAL_MMAP_THRESHOLD)


def allocated_bytes() -> int:
    """The memory that native code of this process has allocated and not freed (mallinfo2), without
    a system call; 0 if the C library does not tell.
    """
    if not hasattr(_libc, "mallinfo2"):  # that of Alpine, and glibc before 2.33
        return 0
    _libc.mallinfo2.restype = _MallocInfo
    found = _libc.mallinfo2()
    return int(found.uordblks + found.hblkhd)


def forbid_new_privileges() -> None:
    """This process and those forked from it gain nothing from programs that are set-user-id. What
    follows needs this.
    """
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def forbid_debugging() -> None:
    """No process of the same user can read or trace this process and those forked from it."""
    _checked(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0))


def landlock_version() -> int:
    """The version of Landlock that the kernel offers; 0 if it offers none."""
    version: int = _libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)
    return max(version, 0)


def forbid_files() -> None:
    """This process and those forked from it can open, create, remove and execute no file, and, if
    the kernel's Landlock is that new, use no TCP port and signal no other process.

    Descriptors that are open stay as they are.
    """
    version = landlock_version()
    files = (1 << _FILE_ACCESSES.get(version, 16)) - 1
    attributes = struct.pack("=Q", files)
    if version >= _NETWORK_SINCE:
        attributes += struct.pack("=Q", _NETWORK_ACCESSES)
    if version >= _SCOPES_SINCE:
        attributes += struct.pack("=Q", _SCOPES)
    ruleset = _checked(_libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0))
    try:
        _checked(_libc.syscall(_SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def has_seccomp() -> bool:
    """Whether the kernel filters system calls, and tells another process of those not allowed."""
    if _SYS_SECCOMP is None:
        return False
    action = ctypes.c_uint32(_SECCOMP_RET_USER_NOTIF)
    found: int = _libc.syscall(_SYS_SECCOMP, _SECCOMP_GET_ACTION_AVAIL, 0, ctypes.byref(action))
    return found == 0


def filter_calls(program: bytes, *, with_listener: bool) -> int | None:
    """Pass each system call of this process from now on through a program of BPF instructions.

    Returns a descriptor, if asked for one, on which another process is notified of calls.
    """
    length = len(program) // _BPF_INSTRUCTION_BYTES
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", length, ctypes.addressof(instructions))
    flags = _SECCOMP_FILTER_FLAG_NEW_LISTENER if with_listener else 0
    installed = _checked(_libc.syscall(_SYS_SECCOMP, _SECCOMP_SET_MODE_FILTER, flags, header))
    return installed if with_listener else None


def notified_call(listener: int) -> tuple[int, int] | None:
    """The architecture and the number of the call that waits; None if its process has ended. The
    call waits until the process is killed, or the listener closed.
    """
    notification = bytearray(_NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, _SECCOMP_IOCTL_NOTIF_RECV, notification)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return None
    _, _, _, number, architecture, *_ = _NOTIFICATION.unpack(notification)
    return architecture, number


def name_of_call(architecture: int, number: int) -> str:
    """The name of a system call, if libseccomp is here to tell it. Debian's apt and systemd bring
    it along.
    """
    with suppress(OSError, AttributeError):
        resolve = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_num_arch
        resolve.restype = ctypes.c_char_p
        name = resolve(ctypes.c_uint32(architecture), number)
        if name:
            return str(name.decode("ascii"))
    return f"system call {number}"


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
