"""`/metrics` on a separate loopback port, so that a proxy need not hide it from clients."""

import logging
import threading
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server

from wordai_jobs.errors import StartError

_HOST = "127.0.0.1"

logger = logging.getLogger(__name__)


class MetricsListener:
    """Serves the metrics on its own thread."""

    def __init__(self, port: int, registry: CollectorRegistry) -> None:
        self._port = port
        self._registry = registry
        self._running: tuple[WSGIServer, threading.Thread] | None = None

    def start(self) -> None:
        """Raises StartError if the port is taken."""
        try:
            self._running = start_http_server(self._port, _HOST, self._registry)
        except OSError as error:
            raise StartError(
                f"Cannot listen on {_HOST}:{self._port} (metrics.port): {error.strerror}"
            ) from error
        logger.info("metrics on http://%s:%d/metrics", _HOST, self._port)

    def stop(self) -> None:
        if self._running:
            server, thread = self._running
            server.shutdown()
            server.server_close()
            thread.join()
