"""The HTTP server: waitress, with answers of the application's own for what waitress refuses."""

import io
import time
from collections.abc import Callable
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import WSGITask
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge

from wordai_jobs.config import Config
from wordai_jobs.errors import StartError
from wordai_jobs.storage.folder import FULL_DISK
from wordai_jobs.web.errors import REFUSED_KEY

# A multipart body is a little longer than the file in it.
_MULTIPART_ROOM_BYTES = 64 * 1024
# Clients that send a byte a second hold connections, not threads; so many of them leave room for polls.
_CONNECTION_LIMIT = 2000
# What is read and thrown away of a body that is too large, so that its client gets to read the answer.
_MOST_DISCARDED = 4
# Answers are made in much less; what takes longer is a client that does not read.
_LAST_ANSWERS_S = 5
_LOOK_EVERY_S = 0.02


def listen(app: Flask, config: Config) -> Any:
    """The server, bound to its address; `run` serves until `close`. Raises StartError where it cannot listen there."""
    try:
        http = create_server(
            app, host=config.server.host, port=config.server.port, threads=config.server.threads, ident=None,
            connection_limit=_CONNECTION_LIMIT, asyncore_use_poll=True, channel_request_lookahead=0,
            max_request_body_size=config.limits.max_upload_mb * 1024 * 1024 + _MULTIPART_ROOM_BYTES,
            clear_untrusted_proxy_headers=False,  # mode dev looks at X-Forwarded-For; nothing else believes in one
        )
    except OSError as error:
        raise StartError(f"Cannot listen on {config.server.host}:{config.server.port}: {error.strerror}") from error
    http.channel_class = _Channel
    return http


def close(http: Any) -> None:
    """Stop listening, let the answers under way go out, close all connections and end `run`, which is on another thread.

    Takes a moment where clients read their answers; those that do not are left after 5 s.
    """
    # Sockets belong to the thread of the loop: it is told what to do, and woken.
    tell = http.trigger.pull_trigger
    tell(lambda: wasyncore.dispatcher.close(http))
    deadline = time.monotonic() + _LAST_ANSWERS_S
    while http.active_channels and time.monotonic() < deadline:
        tell(lambda: _close_channels(http, lambda channel: not (channel.requests or channel.total_outbufs_len)))
        time.sleep(_LOOK_EVERY_S)
    tell(lambda: _end_loop(http))


def _end_loop(http: Any) -> None:
    """Without any socket to look after, it ends."""
    _close_channels(http, lambda channel: True)
    # Its pipe stays open: a thread that is late with an answer still wakes the loop through it.
    http.trigger.del_channel()


def _close_channels(http: Any, is_wanted: Callable[[Any], bool]) -> None:
    for channel in list(http.active_channels.values()):
        if is_wanted(channel):
            channel.handle_close()


class _NoRoom(Error):  # type: ignore[misc]  # waitress has no types
    """What a client sends is kept in a temporary file, and there is no room for it."""

    code = 507
    reason = "Insufficient Storage"


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads to its end, and throws away, a body that cannot be taken: a client that still sends would not see the answer."""

    _left_to_discard = 0

    def received(self, data: bytes) -> int:
        if self._left_to_discard:
            taken = min(len(data), self._left_to_discard)
            self._left_to_discard -= taken
            self.completed = self._left_to_discard == 0
            return taken
        try:
            consumed: int = super().received(data)
        except ValueError as error:  # waitress lets through what urllib says of an address that is none
            self._refuse(BadRequest(str(error)))
            return len(data)
        except OSError as error:
            if error.errno not in FULL_DISK:
                raise
            self._refuse(_NoRoom(str(error)), self.content_length - self.body_bytes_received - len(data))
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
            isinstance(self.error, RequestEntityTooLarge) and not self.expect_continue
            and self.content_length <= _MOST_DISCARDED * self.adj.max_request_body_size
        )


class _RefusedTask(WSGITask):  # type: ignore[misc]
    """Has the application answer what waitress refuses, so that the answer has the shape and headers of all others."""

    def execute(self) -> None:
        self.set_close_on_finish()
        super().execute()

    def get_environment(self) -> dict[str, Any]:
        request = self.request
        for name in ("command", "path", "query", "request_uri", "url_scheme"):
            if not hasattr(request, name):  # the request ended before this was read
                setattr(request, name, {"command": "GET", "path": "/", "url_scheme": "http"}.get(name, ""))
        environ: dict[str, Any] = super().get_environment()
        environ["wsgi.input"] = io.BytesIO()
        environ["CONTENT_LENGTH"] = "0"
        environ[REFUSED_KEY] = request.error.code
        return environ


class _Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = _Parser
    error_task_class = _RefusedTask
