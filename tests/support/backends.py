"""What nginx may find in the application's place: nothing, a server that is silent or hangs up."""

import itertools
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tests.support.listener import Listener


@contextmanager
def absent() -> Iterator[int]:
    """A port on which nothing listens, and which no other process gets in the meantime."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def silent() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


class HangingUp(Listener):
    """Answers the first request of a connection, and hangs up at the second."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        super().__init__(self._answer_once)

    def _answer_once(self, connection: socket.socket, *_: object) -> None:
        with connection.makefile("r", encoding="latin-1") as received:
            self._read_head(received)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            self._read_head(received)

    def _read_head(self, received: Iterable[str]) -> None:
        head = "".join(itertools.takewhile(str.strip, received))
        if head:
            self.requests.append(head)
