"""A proxy in front of a server that spoils responses on demand and records what it passed on."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

import requests

from tests.support.listener import Listener

# Each server sets these for itself.
_OWN_HEADERS = [
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "server",
    "transfer-encoding",
]
LOSE_RESPONSE = 0


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the status of its response; `at` on the monotonic clock, in seconds."""

    method: str
    path: str
    headers: dict[str, str]
    status: int
    retry_after: str | None
    at: float


class Proxy(Listener):
    """Passes requests on, except that each of `faults` spoils one.

    A status is sent instead of the server's response. LOSE_RESPONSE hangs up after the server has
    done what was asked.
    """

    def __init__(self, server_url: str) -> None:
        self.server_url = server_url
        self.exchanges: list[Exchange] = []
        self.faults: deque[int] = deque()
        super().__init__(lambda *args: _Handler(self, *args))
        self.url = f"http://127.0.0.1:{self.port}"

    def sent(self, method: str, part: str) -> list[Exchange]:
        """The requests with this method whose path contains `part`."""
        return [it for it in self.exchanges if it.method == method and part in it.path]


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, proxy: Proxy, *args: Any) -> None:
        self._proxy = proxy
        super().__init__(*args)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the exchanges are recorded instead."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self._proxy.faults.popleft() if self._proxy.faults else None
        if fault:
            self._record(fault)
            self.send_error(fault)
            return
        response = requests.request(
            self.command,
            self._proxy.server_url + self.path,
            headers={name: it for name, it in self.headers.items() if name.lower() != "host"},
            data=body,
            timeout=60,
        )
        self._record(response.status_code, response.headers.get("Retry-After"))
        if fault == LOSE_RESPONSE:
            self.close_connection = True
            return
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            if name.lower() not in _OWN_HEADERS:
                self.send_header(name, value)
        if response.status_code not in (204, 304):
            self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    do_POST = do_GET

    def _record(self, status: int, retry_after: str | None = None) -> None:
        headers, now = dict(self.headers), time.monotonic()
        exchange = Exchange(self.command, self.path, headers, status, retry_after, now)
        self._proxy.exchanges.append(exchange)


@contextmanager
def proxy_to(server_url: str) -> Iterator[Proxy]:
    with closing(Proxy(server_url)) as proxy:
        yield proxy
