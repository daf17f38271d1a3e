"""What nginx may find in the application's place: nobody, somebody who does not answer, or who
hangs up.
"""

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tests.support.listener import Listener


@contextmanager
def absent() -> Iterator[int]:
    """A port at which nobody listens, and which nobody else gets meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


class HangingUp:
    """Answers the first request of a connection and hangs up at the second, as a server that stops
    between the two.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self._listener = Listener(self._answer_once)
        self.port = self._listener.port

    def close(self) -> None:
        self._listener.close()

    def _answer_once(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as received:
            self._read_head(received)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            self._read_head(received)

    def _read_head(self, received: Iterable[bytes]) -> None:
        lines = []
        for line in received:
            if line == b"\r\n":
                break
            lines.append(line.decode("latin-1").rstrip())
        if lines:
            self.requests.append("\n".join(lines))
