"""Serving the application with waitress, in one process, until a signal ends it."""

import errno
import io
import logging
import resource
import signal
import sys
import threading
from types import FrameType
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import WSGITask
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge

from wordai_jobs import logs
from wordai_jobs.app import create_app, lifecycle
from wordai_jobs.config import Config, load_config
from wordai_jobs.errors import StartError
from wordai_jobs.storage.folder import FULL_DISK
from wordai_jobs.web.errors import REFUSED_KEY

# A multipart body is a little longer than the file in it.
_MULTIPART_ROOM_BYTES = 64 * 1024
# Clients that send a byte a second hold connections, not threads; so many of them leave room for polls.
_CONNECTION_LIMIT = 2000
# What is read and thrown away of a body that is too large, so that its client gets to read the answer.
_MOST_DISCARDED = 4

logger = logging.getLogger(__name__)


def main() -> None:
    """Serve with the configured settings; one line and exit code 1 where that cannot be."""
    try:
        config = load_config()
    except StartError as error:
        sys.exit(f"wordai_jobs: {error}")
    logs.configure(config.logging)
    try:
        serve(config)
    except StartError as error:
        logger.critical("%s", error)
        sys.exit(1)


def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT; a second signal skips the grace that running jobs get.

    Raises StartError where the server cannot start.
    """
    _raise_file_limit()
    app = create_app(config)
    http = _bind(app, config)
    try:
        lifecycle(app).start()
    except StartError:
        http.close()
        raise
    _Shutdown(app, http, config.jobs.shutdown_grace_s).on_signals()
    logger.info("serving on http://%s:%s, mode %s", http.effective_host, http.effective_port, config.auth.mode)
    http.run()
    lifecycle(app).release()
    logger.info("stopped")


class _Shutdown:
    """Ends the jobs while requests are still answered, then the HTTP server; what it needed to answer is stopped after it."""

    def __init__(self, app: Flask, http: Any, grace_s: int) -> None:
        self._app = app
        self._http = http
        self._grace_s = grace_s
        self._thread = threading.Thread(target=self._run, name="shutdown")

    def on_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._thread.ident is None:
            self._thread.start()
        else:
            lifecycle(self._app).runner.cut_grace()

    def _run(self) -> None:
        logger.info("stopping: running jobs get %d s", self._grace_s)
        try:
            lifecycle(self._app).end_jobs(self._grace_s)
        finally:
            close(self._http)


def close(http: Any) -> None:
    """End the loop of waitress's server, which runs on another thread, and close its sockets."""
    try:
        # The map of sockets belongs to the loop's own thread; without any, the loop ends.
        http.trigger.pull_trigger(lambda: wasyncore.close_all(http._map))
    except OSError as error:
        if error.errno != errno.EBADF:  # that is the trigger, closed already: somebody else had woken the loop
            raise


def _bind(app: Flask, config: Config) -> Any:
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


def _raise_file_limit() -> None:
    """Every connection is a file; the usual soft limit of 1,024 is below the limit of connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
