"""A network connection to a server, which a test can cut and mend."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from tests.support.listener import Listener

_BLOCK_BYTES = 65_536


class Wire(Listener):
    """Listens on `port` and passes bytes to and from a server on this machine.

    `sent` is what clients have sent.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._is_cut = False
        self._open: set[socket.socket] = set()
        self.sent = bytearray()
        super().__init__(lambda client, *_: self._connect(client))

    def cut(self) -> None:
        """End all connections, and every new one, until `mend`."""
        self._is_cut = True
        for connection in list(self._open):
            _hang_up(connection)

    def mend(self) -> None:
        self._is_cut = False

    def _connect(self, client: socket.socket) -> None:
        """Pass on until one side hangs up. The listener closes the client's connection."""
        if self._is_cut:
            return
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self._server_port)) as server,
        ):
            both = {client, server}
            self._open |= both
            back = threading.Thread(target=_pass_on, args=(server, client, None), daemon=True)
            back.start()
            _pass_on(client, server, self.sent)
            back.join()
            self._open -= both


def _pass_on(source: socket.socket, target: socket.socket, record: bytearray | None) -> None:
    with suppress(OSError):
        while block := source.recv(_BLOCK_BYTES):
            if record is not None:
                record += block
            target.sendall(block)
    _hang_up(source)
    _hang_up(target)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire_to(server_port: int) -> Iterator[Wire]:
    with closing(Wire(server_port)) as wire:
        yield wire
