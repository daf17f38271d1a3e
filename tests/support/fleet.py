"""A fleet, as its parts run on machines of their own: API servers, workers, broker, store."""

from collections.abc import Mapping
from itertools import count
from pathlib import Path

from tests.support.brokers import Broker
from tests.support.objects import Bucket
from tests.support.server import OwnProcess, ServerProcess, environment, free_port, wait_until_up
from tests.support.warm_start import WarmProcess

_RENDERERS = {"rendering.processes": 1}


class WorkerProcess(OwnProcess):
    """`wordai-jobs worker` with a data folder of its own."""

    def __init__(
        self, folder: Path, settings: Mapping[str, object], env: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self.log_path = folder / "worker.log"
        self.health_port = free_port()
        self._settings = {**settings, "storage.data_dir": str(folder / "data")}
        self._env = dict(env)

    def launch(self) -> "WorkerProcess":
        """Start the process and return at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        listen = f"127.0.0.1:{self.health_port}"
        env = environment(self._settings) | self._env
        arguments = ["worker", "--listen", listen]
        self.process = WarmProcess(arguments, self.folder, env, self.log_path, self.log_path)
        return self

    def wait_until_ready(self) -> "WorkerProcess":
        assert self.process
        wait_until_up(self.process, self.health_port, "/health/ready", self.log_path, 120)
        return self


class Fleet:
    """Starts API servers and workers that share a database, a broker and a store."""

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        bucket: Bucket,
        database: Mapping[str, str],
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.folder = folder
        self.bucket = bucket
        self.settings: dict[str, object] = {
            "jobs.engine": "celery",
            "jobs.broker": broker.url,
            "storage.url": bucket.url,
            "server.secret_key": "a secret that all servers of the tests share",
            "logging.level": "debug",
            **database,
            **_RENDERERS,
            **(settings or {}),
        }
        self._server_numbers = count()
        self.servers: list[ServerProcess] = []
        self.workers: list[WorkerProcess] = []

    @property
    def environment(self) -> dict[str, str]:
        return self.bucket.server.environment

    def server(self) -> ServerProcess:
        """A further API server, once it answers."""
        # Several threads may start servers at the same moment.
        folder = self.folder / f"server{next(self._server_numbers)}"
        server = ServerProcess(folder, self.settings, self.environment)
        self.servers.append(server)
        return server.start().wait_until_ready()

    def worker(
        self,
        settings: Mapping[str, object] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> WorkerProcess:
        """A further worker, which may take a moment until it works."""
        folder = self.folder / f"worker{len(self.workers)}"
        own = {**self.environment, **(env or {})}
        self.workers.append(WorkerProcess(folder, {**self.settings, **(settings or {})}, own))
        return self.workers[-1].launch()

    def close(self) -> None:
        started: list[ServerProcess | WorkerProcess] = [*self.servers, *self.workers]
        for process in started:
            if process.process and process.process.poll() is None:
                process.kill()
