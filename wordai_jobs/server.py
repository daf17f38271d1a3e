"""Serves the application in one process until a signal ends it."""

import gc
import logging
import resource
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

from wordai_jobs import linux, logs
from wordai_jobs.config import Config, load_config
from wordai_jobs.errors import FolderUnusable, StartError
from wordai_jobs.processes import Processes

if TYPE_CHECKING:
    from wordai_jobs.backend import Backend
    from wordai_jobs.http_server import HttpServer

logger = logging.getLogger(__name__)


def main() -> None:
    """Serve with the configured settings. If that is impossible: one line, and exit code 1."""
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
    """Serve until SIGTERM or SIGINT; a second signal ends the grace that running jobs get.

    Raises StartError if the server cannot start.
    """
    _raise_file_limit()
    linux.return_freed_memory()
    try:
        built, http = _started(config)
    except OSError as error:
        raise FolderUnusable(error) from error
    _Shutdown(built, http, config.jobs.shutdown_grace_s).on_signals()
    logger.info("serving on %s, mode %s", " and ".join(http.urls), config.auth.mode)
    http.run()
    built.release()
    if built.failure:
        raise built.failure
    logger.info("stopped")


def _started(config: Config) -> tuple["Backend", "HttpServer"]:
    """Raises StartError, and OSError if a part of the data folder cannot be used."""
    processes = Processes(config)
    try:
        processes.begin()
        # Only now: these imports take as long as the start of the processes, on another core.
        # What is imported stays, so the garbage collector need not look at it, now or later.
        gc.disable()
        from wordai_jobs.app import backend, create_app
        from wordai_jobs.http_server import HttpServer

        gc.freeze()
        gc.enable()
        app = create_app(config, processes)
        http = HttpServer(app, config)
        built = backend(app)
        built.start(on_failure=http.close)
    except BaseException:
        processes.stop()
        raise
    return built, http


class _Shutdown:
    """Ends the jobs while requests are still served, and then the HTTP server."""

    def __init__(self, built: "Backend", http: "HttpServer", grace_s: int) -> None:
        self._backend = built
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
            self._backend.engine.cut_grace()

    def _run(self) -> None:
        logger.info("stopping: running jobs get %d s", self._grace_s)
        try:
            self._backend.end_jobs(self._grace_s)
        finally:
            self._http.close()


def _raise_file_limit() -> None:
    """Each connection is a file, and the usual soft limit of 1,024 files is too low for them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
