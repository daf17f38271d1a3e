"""The process that rendering children are forked from: `python -m wordai_jobs.rendering.fork_server
PARENT_PID SANDBOX`, with a socket as its standard input and the setting `rendering.sandbox`.

It has loaded and warmed the libraries once, so that a child is ready within 10 ms, not 250, and
shares the memory that none of them changes. It never opens a PDF itself. It ends with its socket
or its parent, and its children end with it.
"""

import array  # noqa: F401 - socket imports it as soon as it receives descriptors
import codecs
import gc
import logging
import os
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import NoReturn, cast

import pymupdf

from wordai_jobs import linux
from wordai_jobs.rendering import child, sandbox
from wordai_jobs.rendering.description import describe
from wordai_jobs.rendering.image import encode_image
from wordai_jobs.rendering.protocol import (
    LONGEST_MESSAGE,
    ForkChild,
    Forked,
    Ready,
    ReapChild,
    Reaped,
    Refused,
    RenderOptions,
    decode,
    encode,
)

# The memory that a page of A4 at 150 dpi needs, four times.
_FREED_MEMORY_KEPT = 64 * 1024 * 1024
# A child's socket and its standard error.
_DESCRIPTORS_OF_CHILD = 2
# Those that PyMuPDF uses. Python loads an encoding when it is first used.
_ENCODINGS = ("ascii", "latin-1", "utf-8", "utf-16", "raw_unicode_escape", "unicode_escape")


def main() -> None:
    """Answer the server's requests until it closes the socket."""
    linux.die_with_parent(int(sys.argv[1]))
    linux.set_name("fork server")
    linux.keep_freed_memory(_FREED_MEMORY_KEPT)
    connection = socket.socket(fileno=0)
    mode = cast(sandbox.Mode, sys.argv[2])
    if mode == "required" and sandbox.missing():
        sys.exit(sandbox.summary(mode))
    _warm_up()
    if mode != "off":
        sandbox.confine_fork_server()
    # Otherwise the first collection in each child would write to, and so copy, the memory of every
    # object.
    gc.freeze()
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


def _warm_up() -> None:
    """Load what a first page would load: it takes 270 to 550 ms cold, 13 to 40 ms warm, and in the
    sandbox nothing can be loaded any more.
    """
    for name in _ENCODINGS:
        codecs.lookup(name)
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    with pymupdf.open() as document:
        page = document.new_page(width=72, height=72)
        page.insert_text((10, 40), "warm")
        pixmap = page.get_pixmap(alpha=False)
        for image_format in ("auto", "jpeg"):
            encode_image(pixmap, RenderOptions(72, image_format, 85, 10_000))
        page.get_text("words")
        document.set_toc([[1, "warm", 1]])
        describe(document)


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
        child.main(connection, request.memory_limit_mb, is_sandboxed)
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
