"""A proxy before a server that spoils answers on demand, and remembers what went through it."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

_HOP_BY_HOP = (
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "content-encoding",
    "date",
    "server",
)
LOSE_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the status it was answered with; `at` on the monotonic clock, in seconds."""

    method: str
    path: str
    headers: dict[str, str]
    status: int
    retry_after: str | None
    at: float


class Proxy:
    """Each fault is for one request: a status that is answered in the server's place, or
    LOSE_ANSWER after it has acted.
    """

    def __init__(self, server_url: str) -> None:
        self.exchanges: list[Exchange] = []
        self.faults: deque[int] = deque()
        self._server_url = server_url
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: _Handler(self, *args))
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def sent(self, method: str, part: str) -> list[Exchange]:
        """The requests with this method whose path holds `part`."""
        return [
            exchange
            for exchange in self.exchanges
            if exchange.method == method and part in exchange.path
        ]

    def forward(self, handler: BaseHTTPRequestHandler, body: bytes) -> requests.Response | int:
        """The server's answer, or the fault that takes its place."""
        fault = self.faults.popleft() if self.faults else None
        if fault:
            self._keep(handler, fault, None)
            return fault
        headers = {name: value for name, value in handler.headers.items() if name.lower() != "host"}
        answer = requests.request(
            handler.command, self._server_url + handler.path, headers=headers, data=body, timeout=60
        )
        self._keep(handler, answer.status_code, answer.headers.get("Retry-After"))
        return answer if fault is None else LOSE_ANSWER

    def _keep(self, handler: BaseHTTPRequestHandler, status: int, retry_after: str | None) -> None:
        self.exchanges.append(
            Exchange(
                handler.command,
                handler.path,
                dict(handler.headers),
                status,
                retry_after,
                time.monotonic(),
            )
        )


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, proxy: Proxy, *args: Any) -> None:
        self._proxy = proxy
        super().__init__(*args)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the exchanges are kept instead."""

    def do_GET(self) -> None:
        answer = self._proxy.forward(
            self, self.rfile.read(int(self.headers.get("Content-Length", 0)))
        )
        if answer == LOSE_ANSWER:
            self.close_connection = True
        elif isinstance(answer, int):
            self.send_error(answer)
        else:
            self._pass_on(answer)

    do_POST = do_GET

    def _pass_on(self, answer: requests.Response) -> None:
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        if answer.status_code not in (204, 304):
            self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)


@contextmanager
def proxy_to(server_url: str) -> Iterator[Proxy]:
    proxy = Proxy(server_url)
    thread = threading.Thread(target=proxy.http.serve_forever, args=[0.05], name="proxy")
    thread.start()
    try:
        yield proxy
    finally:
        proxy.http.shutdown()
        thread.join()
        proxy.http.server_close()
