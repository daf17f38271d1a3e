"""What an orchestrator asks a worker: whether it is alive, whether it works, and its metrics."""

import json
import logging
import threading
from collections.abc import Callable, Iterable
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from wordai_jobs import __version__
from wordai_jobs.errors import StartError

logger = logging.getLogger(__name__)


class HealthListener:
    """Serves `/health`, `/health/ready` and `/metrics` on threads of its own."""

    def __init__(
        self,
        host: str,
        port: int,
        problems: Callable[[], list[str]],
        registry: CollectorRegistry,
    ) -> None:
        """Listens at once. `problems` names the parts that do not work. Raises StartError."""
        self._problems = problems
        self._metrics = make_wsgi_app(registry)
        try:
            self._server = make_server(host, port, self._respond, ThreadingWSGIServer, _Silent)
        except (OSError, OverflowError) as error:
            raise StartError(f"Cannot listen on {host}:{port} (--listen): {error}") from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="health")

    def start(self) -> None:
        self._thread.start()
        logger.info("health and metrics on port %d", self._server.server_port)

    def stop(self) -> None:
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def _respond(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"].rstrip("/")
        if path == "/metrics":
            response: Iterable[bytes] = self._metrics(environ, start)
            return response
        status, body = "200 OK", {"status": "ok", "version": __version__}
        if path == "/health/ready":
            found = self._problems()
            if found:
                status, body = "503 Service Unavailable", {"detail": "; ".join(found)}
        elif path != "/health":
            status, body = "404 Not Found", {"detail": "Not found"}
        start(status, [("Content-Type", "application/json")])
        return [json.dumps(body).encode()]


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: orchestrators ask every few seconds."""
