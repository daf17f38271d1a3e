"""The HTTP server: waitress, with the application's own responses to requests that it refuses."""

import io
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, create_server
from waitress.task import WSGITask
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge

from wordai_jobs.addresses import http_url
from wordai_jobs.config import Config
from wordai_jobs.errors import FULL_DISK, StartError
from wordai_jobs.library.images import MOST_WAITING
from wordai_jobs.web.error_responses import REFUSED_KEY
from wordai_jobs.web.images import CLIENT_IS_GONE_KEY
from wordai_jobs.web.request_bodies import MAX_FIELDS_MB

_MB = 1024 * 1024
# At a time. With waitress's 8 KB, an upload takes a fifth more processor time.
_RECEIVED_BYTES = 64 * 1024
# The most that a multipart form may add to the PDF and the fields in it.
FORM_BYTES = 64 * 1024
# Clients that send a byte a second occupy connections, not threads. With this many, polls still get
# through.
_CONNECTION_LIMIT = 2000
# A body up to this many times too large is read and thrown away, so that its client gets to read
# the response.
_MOST_DISCARDED = 4
# Making a response takes much less; only clients that do not read need longer.
_LAST_RESPONSES_S = 5
_CHECK_EVERY_S = 0.02


class HttpServer:
    """Listens on every address that the configured host resolves to, such as 127.0.0.1 and ::1 for
    `localhost`; raises StartError if it cannot listen on one of them.
    """

    def __init__(self, app: Flask, config: Config) -> None:
        self._sockets: dict[int, Any] = {}
        max_body_bytes = (config.limits.max_upload_mb + MAX_FIELDS_MB) * _MB + FORM_BYTES
        try:
            self._waitress = create_server(
                app,
                map=self._sockets,
                host=config.server.host,
                port=config.server.port,
                # Others are answered while these wait.
                threads=config.server.threads + MOST_WAITING,
                ident=None,
                connection_limit=_CONNECTION_LIMIT,
                recv_bytes=_RECEIVED_BYTES,
                asyncore_use_poll=True,
                channel_request_lookahead=0,
                max_request_body_size=max_body_bytes + 1,  # waitress refuses this size itself
                # Mode dev reads X-Forwarded-For; nothing else trusts it.
                clear_untrusted_proxy_headers=False,
            )
        except (OSError, ValueError) as error:
            # Waitress raises ValueError for a name without an address.
            reason = error.strerror if isinstance(error, OSError) else "no such host"
            raise StartError(
                f"Cannot listen on {config.server.host}:{config.server.port}: {reason}"
            ) from error
        self._listeners = [
            each for each in self._sockets.values() if isinstance(each, BaseWSGIServer)
        ]
        for listener in self._listeners:
            listener.channel_class = _Channel

    @property
    def urls(self) -> list[str]:
        return [http_url(each.effective_host, each.effective_port) for each in self._listeners]

    def run(self) -> None:
        """Serve until `close` has been called on another thread."""
        self._waitress.run()

    def close(self) -> None:
        """Stop listening, send the responses under way, close all connections and end `run`.

        Takes a moment if clients read their responses; those that do not are cut off after 5 s.
        """
        self._on_loop(self._stop_listening)
        deadline = time.monotonic() + _LAST_RESPONSES_S
        while self._is_in_use and time.monotonic() < deadline:
            self._on_loop(self._close_idle_channels)
            time.sleep(_CHECK_EVERY_S)
        self._on_loop(self._end)

    def _on_loop(self, act: Callable[[], None]) -> None:
        """Wake the loop and have it run `act`: sockets belong to the thread of the loop."""
        self._listeners[0].trigger.pull_trigger(act)

    @property
    def _is_in_use(self) -> bool:
        return any(listener.accepting or listener.active_channels for listener in self._listeners)

    @property
    def _channels(self) -> list[Any]:
        return [
            channel for listener in self._listeners for channel in listener.active_channels.values()
        ]

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            wasyncore.dispatcher.close(listener)  # its own close would take the trigger with it

    def _close_idle_channels(self) -> None:
        for channel in self._channels:
            if not (channel.requests or channel.total_outbufs_len):
                channel.handle_close()

    def _end(self) -> None:
        """The loop ends when it has no sockets left.

        The triggers' pipes stay open: a thread that is late with a response still wakes the loop
        through one.
        """
        try:
            for channel in self._channels:
                channel.handle_close()
        finally:
            self._sockets.clear()


class _NoRoom(Error):  # type: ignore[misc]  # waitress has no types
    """The temporary file for a request's body does not fit on the disk."""

    code = 507
    reason = "Insufficient Storage"


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads a body that cannot be accepted to its end, and throws it away: a client that is still
    sending would not see the response.
    """

    _left_to_discard = 0

    def received(self, data: bytes) -> int:
        if self._left_to_discard:
            taken = min(len(data), self._left_to_discard)
            self._left_to_discard -= taken
            self.completed = self._left_to_discard == 0
            return taken
        try:
            consumed: int = super().received(data)
        except ValueError as error:
            # Waitress does not catch urllib's error for an invalid URL.
            self._refuse(BadRequest(str(error)))
            return len(data)
        except OSError as error:
            if error.errno not in FULL_DISK:
                raise
            self._refuse(
                _NoRoom(str(error)), self.content_length - self.body_bytes_received - len(data)
            )
            return len(data)
        if self.completed and self.body_bytes_received == 0 and self._is_worth_discarding():
            self._refuse(self.error, self.content_length)
        return consumed

    def _refuse(self, error: Error, left_to_discard: int = 0) -> None:
        self.error = error
        self._left_to_discard = max(left_to_discard, 0)
        self.completed = self._left_to_discard == 0

    def _is_worth_discarding(self) -> bool:
        return (
            isinstance(self.error, RequestEntityTooLarge)
            and not self.expect_continue
            and self.content_length <= _MOST_DISCARDED * self.adj.max_request_body_size
        )


class _Task(WSGITask):  # type: ignore[misc]
    """Sends a response's head and body in one piece; waitress sends two.

    Closes the connection after this response if the server is stopping, and tells the client.
    """

    def write(self, data: bytes) -> None:
        with self.channel.in_one_piece():
            super().write(data)

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[CLIENT_IS_GONE_KEY] = self.channel.is_client_gone
        return environ

    def build_response_header(self) -> bytes:
        if self._is_stopping:
            self.set_close_on_finish()
        header: bytes = super().build_response_header()
        return header

    def set_close_on_finish(self) -> None:
        """Waitress calls this for every response without a Content-Length. A 204 or a 304 needs
        none: its connection stays open for the next request.
        """
        closing = self.request.headers.get("CONNECTION", "").lower() == "close"
        if self.has_body or closing or self.version == "1.0" or self._is_stopping:
            super().set_close_on_finish()

    @property
    def _is_stopping(self) -> bool:
        return not self.channel.server.accepting


class _RefusedTask(WSGITask):  # type: ignore[misc]
    """Lets the application respond to a request that waitress refuses, so that the response has the
    shape and headers of all others.
    """

    def execute(self) -> None:
        self.set_close_on_finish()
        super().execute()

    def get_environment(self) -> dict[str, Any]:
        request = self.request
        defaults = {
            "command": "GET",
            "path": "/",
            "query": "",
            "request_uri": "",
            "url_scheme": "http",
        }
        for name, default in defaults.items():
            if not hasattr(request, name):  # the request ended before this was read
                setattr(request, name, default)
        environ: dict[str, Any] = super().get_environment()
        environ["wsgi.input"] = io.BytesIO()
        environ["CONTENT_LENGTH"] = "0"
        environ[REFUSED_KEY] = request.error.code
        return environ


class _Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = _Parser
    task_class = _Task
    error_task_class = _RefusedTask
    _pieces: list[bytes] | None = None

    @contextmanager
    def in_one_piece(self) -> Iterator[None]:
        """What is written in the block is sent at its end, unless it raises."""
        pieces: list[bytes] = []
        self._pieces = pieces
        try:
            yield
        finally:
            self._pieces = None
        super().write_soon(b"".join(pieces))

    def is_client_gone(self) -> bool:
        """Whether the client has closed the connection on which a request is being handled: until
        the response is sent, nothing else reads from it.
        """
        try:
            received: bytes = self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return not received

    def write_soon(self, data: Any) -> int:
        if self._pieces is None:
            written: int = super().write_soon(data)
            return written
        self._pieces.append(data)
        return len(data)
