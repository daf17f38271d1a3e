"""The HTTP server in this process, over real sockets: its addresses, connections and end."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask, Response, request
from waitress.channel import HTTPChannel

from tests.support.server import free_port, is_listening
from tests.support.waiting import wait_until
from wordai_jobs.config import Config, parse_config
from wordai_jobs.errors import StartError
from wordai_jobs.http_server import FORM_BYTES, HttpServer
from wordai_jobs.web.error_responses import REFUSED_KEY
from wordai_jobs.web.request_bodies import MAX_FIELDS_MB


def test_it_listens_on_each_address_of_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    let_localhost_be(["127.0.0.1", "127.0.0.2"], monkeypatch)
    port = free_port()
    with running(settings("localhost", port)) as http:
        assert http.urls == [f"http://127.0.0.1:{port}", f"http://127.0.0.2:{port}"]
        # These connections are still open when the server closes.
        with requests.Session() as client:
            assert [client.get(url, timeout=10).text for url in http.urls] == ["hello", "hello"]
    assert not is_listening(port) and not is_listening(port, "127.0.0.2")


def test_a_host_without_an_address_is_named() -> None:
    with pytest.raises(StartError, match=r"^Cannot listen on nowhere\.invalid:80: no such host$"):
        HttpServer(Flask(__name__), settings("nowhere.invalid", 80))


def test_a_thread_that_is_late_with_its_response_may_still_wake_the_loop() -> None:
    with running(settings("127.0.0.1", 0)) as http:
        http.close()
        http._listeners[0].pull_trigger()


def test_a_response_under_way_at_the_close_is_sent_and_ends_the_connection() -> None:
    has_come, may_go = threading.Event(), threading.Event()

    def answer() -> str:
        has_come.set()
        may_go.wait(30)
        return "hello"

    port = free_port()
    with running(settings("127.0.0.1", port), answer) as http, ThreadPoolExecutor(2) as threads:
        asked = threads.submit(requests.get, http.urls[0], timeout=30)
        assert has_come.wait(30)
        closing = threads.submit(http.close)
        wait_until(lambda: not is_listening(port))
        may_go.set()
        assert (asked.result().text, asked.result().headers["Connection"]) == ("hello", "close")
        closing.result()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [200, 204, 304, 404])
@pytest.mark.parametrize(
    ("version", "connection", "closes"),
    [
        ("1.1", "", False),
        ("1.1", "keep-alive", False),
        ("1.1", "close", True),
        ("1.1", "Close", True),
        ("1.0", "", True),
    ],
)
def test_a_connection_stays_open_unless_the_client_wants_it_closed(
    method: str, status: int, version: str, connection: str, closes: bool
) -> None:
    sent = f"{method} /?status={status} HTTP/{version}\r\nConnection: {connection}\r\n\r\n"
    with (
        running(settings("127.0.0.1", 0), with_the_status_asked_for) as server,
        socket.create_connection(address_of(server), timeout=10) as client,
    ):
        for _ in range(1 if closes else 3):
            client.sendall(sent.encode())
            response = http.client.HTTPResponse(client, method=method)
            response.begin()
            assert (response.status, response.will_close) == (status, closes)
            assert response.read() == (b"hello" if has_body(method, status) else b"")
        if closes:
            assert client.recv(1) == b""


def with_the_status_asked_for() -> Response:
    return Response("hello", status=int(request.args["status"]))


def test_the_head_and_the_body_of_a_response_are_sent_in_one_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[bytes] = []
    send = HTTPChannel.send

    def recorded(channel: HTTPChannel, data: bytes, **options: bool) -> Any:
        sent.append(data)
        return send(channel, data, **options)

    monkeypatch.setattr(HTTPChannel, "send", recorded)
    with running(settings("127.0.0.1", 0)) as server, requests.Session() as client:
        assert [client.get(server.urls[0], timeout=10).text for _ in range(2)] == ["hello"] * 2
    assert [piece.partition(b"\r\n\r\n")[2] for piece in sent] == [b"hello"] * 2


def address_of(server: HttpServer) -> tuple[str, int]:
    parts = urlsplit(server.urls[0])
    assert parts.hostname and parts.port
    return parts.hostname, parts.port


@pytest.mark.parametrize("too_many", [0, 1])
def test_a_body_may_be_exactly_as_large_as_the_limit(too_many: int) -> None:
    limit = (1 + MAX_FIELDS_MB) * 1024 * 1024 + FORM_BYTES

    def length() -> str:
        refused = request.environ.get(REFUSED_KEY)
        return f"refused: {refused}" if refused else str(len(request.get_data()))

    with running(settings("127.0.0.1", 0, max_upload_mb=1), length) as server:
        sent = requests.post(server.urls[0], data=bytes(limit + too_many), timeout=30)
    assert sent.text == ("refused: 413" if too_many else str(limit))


def has_body(method: str, status: int) -> bool:
    return method == "GET" and status in (200, 404)


def settings(host: str, port: int, max_upload_mb: int = 100) -> Config:
    return parse_config(
        {
            "server": {"host": host, "port": port},
            "auth": {"mode": "firebase", "firebase_project_id": "books"},
            "limits": {"max_upload_mb": max_upload_mb},
        }
    )


@contextmanager
def running(
    config: Config, answer: Callable[[], str | Response] = lambda: "hello"
) -> Iterator[HttpServer]:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=answer, methods=["GET", "POST"])
    http = HttpServer(app, config)
    loop = threading.Thread(target=http.run)
    loop.start()
    yield http
    http.close()
    loop.join(30)
    assert not loop.is_alive()
    for listener in http._listeners:
        listener.trigger.close()


def let_localhost_be(addresses: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On many machines localhost is 127.0.0.1 and ::1, but not on those without IPv6."""
    look_up = socket.getaddrinfo

    def look_up_each(host: str, *others: Any) -> list[Any]:
        return [
            found
            for each in (addresses if host == "localhost" else [host])
            for found in look_up(each, *others)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up_each)
