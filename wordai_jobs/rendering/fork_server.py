"""The process that rendering children are forked from: `python -m wordai_jobs.rendering.fork_server
PARENT_PID SANDBOX`, with a socket as its standard input and the setting `rendering.sandbox`.

It has loaded and warmed the libraries once, so that a child is ready within 10 ms, not 250, and
shares the memory that none of them changes. It never opens a PDF itself. It ends with its socket
or its parent, and its children end with it.
"""

import array  # noqa: F401 - socket imports it as soon as it receives descriptors
import gc
import logging
import os
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import NoReturn, cast

from wordai_jobs import linux
from wordai_jobs.rendering import sandbox
from wordai_jobs.rendering.protocol import (
    LONGEST_MESSAGE,
    ForkChild,
    Forked,
    Ready,
    ReapChild,
    Reaped,
    Refused,
    decode,
    encode,
)

# The memory that a page of A4 at 150 dpi needs, four times.
_FREED_MEMORY_KEPT = 64 * 1024 * 1024
# A child's socket and its standard error.
_DESCRIPTORS_OF_CHILD = 2


def main() -> None:
    """Answer the server's requests until it closes the socket."""
    linux.die_with_parent(int(sys.argv[1]))
    linux.set_name("fork server")
    linux.keep_freed_memory(_FREED_MEMORY_KEPT)
    connection = socket.socket(fileno=0)
    mode = cast(sandbox.Mode, sys.argv[2])
    if mode == "required" and sandbox.missing():
        sys.exit(sandbox.summary(mode))
    # All that is loaded stays: the garbage collector need not look at it, now or in each child,
    # where the first collection would write to, and so copy, the memory of every object.
    gc.disable()
    from wordai_jobs.rendering.warm_up import warm_up

    warm_up()
    gc.freeze()
    gc.enable()
    if mode != "off":
        sandbox.confine_fork_server()
    connection.send(encode(Ready()))
    while True:
        message, descriptors, _, _ = socket.recv_fds(
            connection, LONGEST_MESSAGE, _DESCRIPTORS_OF_CHILD
        )
        if not message:
            return
        try:
            match decode(message, ForkChild, ReapChild):
                case ForkChild() as request:
                    _fork(connection, request, descriptors, mode != "off")
                case ReapChild(pid):
                    connection.send(encode(Reaped(_reap(pid))))
        except OSError as error:
            connection.send(encode(Refused(str(error))))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


def _fork(
    connection: socket.socket, request: ForkChild, descriptors: list[int], is_sandboxed: bool
) -> None:
    if len(descriptors) != _DESCRIPTORS_OF_CHILD:
        raise OSError("the child's socket and standard error did not arrive")
    parent_pid = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become_child(parent_pid, request, descriptors, is_sandboxed)
    try:
        pidfd = linux.pidfd_open(pid)
        try:
            socket.send_fds(connection, [encode(Forked(pid))], [pidfd])
        finally:
            os.close(pidfd)
    except OSError:
        _reap(pid)
        raise


def _become_child(
    parent_pid: int, request: ForkChild, descriptors: list[int], is_sandboxed: bool
) -> NoReturn:
    """Never returns, whatever happens: a child must not go on in this process's loop."""
    exit_status = 1
    try:
        its_connection, its_stderr = descriptors
        os.dup2(its_connection, 0)  # in the place of the fork server's own socket
        # What a native library prints must not go anywhere else.
        os.dup2(its_stderr, 1)
        os.dup2(its_stderr, 2)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        # A session of its own: the child and whatever it starts are killed together.
        os.setsid()
        linux.die_with_parent(parent_pid)
        linux.set_name(request.name)
        # Kept until the end: a socket that Python closes by itself makes calls that are forbidden.
        connection = socket.socket(fileno=0)
        from wordai_jobs.rendering import child  # which is loaded

        child.main(connection, request, is_sandboxed)
        exit_status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(exit_status)


def _reap(pid: int) -> int:
    """Kill a child and what it has started; returns its exit status. Its id belongs to it, and to
    its group, until it has been waited for.
    """
    with suppress(ProcessLookupError):  # it does not have a group yet
        os.killpg(pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    main()
