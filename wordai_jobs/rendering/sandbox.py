"""The sandbox of the processes that render: a PDF that takes over its child finds nothing there.

The fork server gives up new privileges, its environment and, by Landlock, all files; children are
born that way. A child then filters its own system calls before it reads a byte of a PDF. It has its
socket, its standard error and the descriptors that the server sends, and can read, write and close
these, use memory, and end. Nothing else.

| a call that is | has this effect |
|---|---|
| allowed | that of the call |
| about a path | it fails with `Permission denied`: libraries look for files that may be missing |
| any other | none: the server is told, logs the name of the call and kills the child |
"""

import errno
import os
import struct
from typing import Literal

from wordai_jobs import linux

Mode = Literal["auto", "required", "off"]
State = Literal["complete", "partial", "off"]

# The numbers of system calls on x86-64 and on arm64; None if there is no such call.
_ALLOWED = {
    "brk": (12, 214),
    "clock_gettime": (228, 113),
    "close": (3, 57),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "fstat": (5, 80),
    "getpid": (39, 172),
    "getrandom": (318, 278),
    "gettid": (186, 178),
    "gettimeofday": (96, 169),
    "lseek": (8, 62),
    "madvise": (28, 233),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "read": (0, 63),
    "recvmsg": (47, 212),
    "restart_syscall": (219, 128),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "sendmsg": (46, 211),
    "sendto": (44, 206),
    "sysinfo": (99, 179),
    "write": (1, 64),
}
_ABOUT_PATHS = {
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "getcwd": (79, 17),
    "ioctl": (16, 29),  # whether a descriptor is a terminal
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "open": (2, None),
    "openat": (257, 56),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "stat": (4, None),
    "statx": (332, 291),
}
# Allowed if an argument, counted from 0, has this value in these bits.
_EVERY_BIT = 0xFFFFFFFF
_PROT_EXEC = 4
_F_DUPFD_CLOEXEC = 1030
_FUTEX_PRIVATE = 128  # of these, waiting (0) and waking (1)
_ALLOWED_IF = {
    "fcntl": ((72, 25), 1, _EVERY_BIT, _F_DUPFD_CLOEXEC),
    "futex": ((202, 98), 1, _EVERY_BIT ^ 1, _FUTEX_PRIVATE),
    "mmap": ((9, 222), 2, _PROT_EXEC, 0),
    "mprotect": ((10, 226), 2, _PROT_EXEC, 0),
}
_TGKILL = (234, 131)

# linux/audit.h; a process can make calls of other architectures too, whose numbers mean others.
_ARCHITECTURE, _COLUMN = {
    "x86_64": (0xC000003E, 0),
    "aarch64": (0xC00000B7, 1),
}.get(os.uname().machine, (0, 0))
# linux/seccomp.h
_KILL, _NOTIFY, _FAIL, _ALLOW = 0x80000000, 0x7FC00000, 0x00050000, 0x7FFF0000
_AT_NUMBER, _AT_ARCHITECTURE, _AT_ARGUMENTS = 0, 4, 16  # in seccomp_data
# linux/bpf_common.h
_LOAD, _AND, _RETURN, _JUMP_IF_EQUAL = 0x20, 0x54, 0x06, 0x15


def missing() -> list[str]:
    """What the sandbox needs and this kernel does not offer, or does not offer to this service."""
    offered = {"Landlock": linux.landlock_version() > 0, "seccomp": linux.has_seccomp()}
    return [name for name, is_offered in offered.items() if not is_offered]


def state(mode: Mode) -> State:
    if mode == "off":
        return "off"
    return "partial" if missing() else "complete"


def summary(mode: Mode) -> str:
    """What holds and what does not, in a line for the operator."""
    lacking = " and no ".join(missing())
    if mode == "off":
        return "page renderers run without their sandbox (rendering.sandbox is off)"
    if lacking and mode == "required":
        return f"rendering.sandbox is required, but the kernel offers no {lacking}"
    if lacking:
        return f"page renderers run in a part of their sandbox: the kernel offers no {lacking}"
    version = linux.landlock_version()
    return f"page renderers run in their sandbox: Landlock (version {version}) and seccomp"


def confine_fork_server() -> None:
    """Apply what children can inherit. Everything that they need must be loaded by now."""
    os.environ.clear()
    linux.forbid_new_privileges()
    linux.forbid_debugging()
    if linux.landlock_version() > 0:
        linux.forbid_files()


def confine_child() -> int | None:
    """Apply the rest. Returns the descriptor that tells of forbidden calls, if there is one."""
    if not linux.has_seccomp():
        return None
    try:
        return linux.filter_calls(call_filter(os.getpid(), _NOTIFY), with_listener=True)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        # Somebody is told of this process's calls already, as in containers of LXD and Incus.
        return linux.filter_calls(call_filter(os.getpid(), _KILL), with_listener=False)


def call_filter(pid: int, otherwise: int) -> bytes:
    """A program of BPF for the child with this id, with this outcome for forbidden calls."""
    program = [
        (_LOAD, 0, 0, _AT_ARCHITECTURE),
        (_JUMP_IF_EQUAL, 1, 0, _ARCHITECTURE),
        (_RETURN, 0, 0, otherwise),
        (_LOAD, 0, 0, _AT_NUMBER),
    ]
    for calls, outcome in ((_ALLOWED, _ALLOW), (_ABOUT_PATHS, _FAIL | errno.EACCES)):
        for numbers in calls.values():
            number = numbers[_COLUMN]
            if number is not None:
                program += [(_JUMP_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, outcome)]
    signal_to_itself = (_TGKILL, 0, _EVERY_BIT, pid)  # as abort() does
    for of_call, argument, bits, value in (*_ALLOWED_IF.values(), signal_to_itself):
        program += [
            (_JUMP_IF_EQUAL, 0, 5, of_call[_COLUMN]),
            (_LOAD, 0, 0, _AT_ARGUMENTS + 8 * argument),
            (_AND, 0, 0, bits),
            (_JUMP_IF_EQUAL, 0, 1, value),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, otherwise),
        ]
    program.append((_RETURN, 0, 0, otherwise))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
