"""A TCP or HTTP server on a thread of the test."""

import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any


class Listener:
    """Listens on a free port of this machine until it is closed.

    `handler` is called on a thread with each connection, its address and the server, as the request
    handlers of socketserver and http.server are.
    """

    def __init__(self, handler: Callable[..., Any]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
