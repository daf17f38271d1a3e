"""The process that rendering children are forked from: `python -m wordai_jobs.rendering.fork_server
PARENT_PID`.

It has loaded and warmed the libraries once, so a child is there within 10 ms, not 250, and shares
with its siblings the memory that none of them changes. It never opens a PDF itself.

Requests and answers are JSON, one a message, over the SOCK_SEQPACKET socket that is its standard
input. The first message, `{"ready": true}`, says that the libraries are loaded. `{"op": "fork",
"name": name, "memory_limit_mb": n}` comes with the descriptors of the child's standard input,
output and error, and is answered with `{"pid": n}` and a pidfd. `{"op": "reap", "pid": n}` ends
that child and all it has started, and is answered with `{"code": n}`, its exit status as in
`subprocess`. `{"error": words}` comes in place of either. This process ends with its socket or its
parent, and its children with it.
"""

import gc
import json
import logging
import os
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import Any, NoReturn

import pymupdf
from PIL import Image

from wordai_jobs import linux
from wordai_jobs.rendering import child

_LONGEST_MESSAGE = 4096
_STANDARD_STREAMS = 3


def main() -> None:
    linux.die_with_parent(int(sys.argv[1]))
    linux.set_name("fork server")
    connection = socket.socket(fileno=0)
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    _warm_up()
    # Else the first collection in each child would write to, and so copy, the pages of every
    # object.
    gc.freeze()
    _send(connection, {"ready": True})
    while True:
        message, descriptors, _, _ = socket.recv_fds(
            connection, _LONGEST_MESSAGE, _STANDARD_STREAMS
        )
        if not message:
            return
        _answer(connection, json.loads(message), descriptors)


def _answer(connection: socket.socket, request: dict[str, Any], descriptors: list[int]) -> None:
    try:
        if request["op"] == "fork":
            _fork(connection, request["name"], request["memory_limit_mb"], descriptors)
        else:
            _send(connection, {"code": _reap(request["pid"])})
    except OSError as error:
        _send(connection, {"error": str(error)})
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _fork(
    connection: socket.socket, name: str, memory_limit_mb: int, descriptors: list[int]
) -> None:
    if len(descriptors) != _STANDARD_STREAMS:
        raise OSError("the child's standard streams did not arrive")
    parent_pid = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become_child(parent_pid, name, memory_limit_mb, descriptors)
    try:
        _send_pidfd(connection, pid)
    except OSError:
        _reap(pid)
        raise


def _send_pidfd(connection: socket.socket, pid: int) -> None:
    pidfd = linux.pidfd_open(pid)
    try:
        socket.send_fds(connection, [json.dumps({"pid": pid}).encode()], [pidfd])
    finally:
        os.close(pidfd)


def _become_child(
    parent_pid: int, name: str, memory_limit_mb: int, descriptors: list[int]
) -> NoReturn:
    """Whatever happens in here ends here: nothing of a child may come back into the loop of this
    process.
    """
    code = 1
    try:
        for standard, descriptor in enumerate(descriptors):
            os.dup2(descriptor, standard)  # the first takes the place of this process's socket
            os.close(descriptor)
        # A session of its own: the child and whatever it starts are ended together.
        os.setsid()
        linux.die_with_parent(parent_pid)
        linux.set_name(name)
        child.main(memory_limit_mb)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _reap(pid: int) -> int:
    """Its id names this child, and its group, until it has been waited for."""
    with suppress(ProcessLookupError):  # it has not come to have a group yet
        os.killpg(pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _send(connection: socket.socket, answer: dict[str, Any]) -> None:
    connection.send(json.dumps(answer).encode())


def _warm_up() -> None:
    """Load what a first page would load: it takes 270 to 550 ms cold, 13 to 40 ms warm."""
    Image.preinit()
    with pymupdf.open() as document:
        page = document.new_page(width=72, height=72)
        page.insert_text((10, 40), "warm")
        page.get_pixmap(alpha=False)
        page.get_text("words")


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    main()
