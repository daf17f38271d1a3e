"""Brokers of a fleet, run by the test: Redis and RabbitMQ, with their data in its folder."""

import os
import shutil
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

from tests.support.server import free_port, wait_until_up
from tests.support.tools import program
from tests.support.waiting import wait_until

_RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class Broker(ABC):
    """A broker on a port of its own, which stays the same when it is started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        return self.url_at(self.port)

    @property
    def pid(self) -> int:
        """Of the last process that was started."""
        return self._processes[-1].pid

    @abstractmethod
    def url_at(self, port: int) -> str:
        """The URL for a proxy on this port."""

    @abstractmethod
    def start(self) -> "Broker":
        """Start it, and wait until it takes connections."""

    def kill(self) -> None:
        """End it with SIGKILL, with all of its processes."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._processes.clear()

    def restart_without_data(self) -> None:
        """End it, and start it again as if its disk had been replaced."""
        self.kill()
        shutil.rmtree(self.folder)
        self.start()

    def _spawn(self, command: list[str], **env: str) -> subprocess.Popen[bytes]:
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=os.environ | env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)
        return process


class Redis(Broker):
    def url_at(self, port: int) -> str:
        return f"redis://127.0.0.1:{port}/0"

    def start(self) -> "Redis":
        self.folder.mkdir(parents=True, exist_ok=True)
        address = ["--port", str(self.port), "--bind", "127.0.0.1"]
        without_disk = ["--save", "", "--appendonly", "no"]
        server = program("redis-server", "redis-server")
        process = self._spawn([server, *address, *without_disk])
        wait_until_up(process, self.port, log=self.folder / "log")
        return self


class RabbitMQ(Broker):
    """With a port mapper (epmd) of its own, because Erlang would leave one running."""

    def url_at(self, port: int) -> str:
        return f"amqp://guest:guest@127.0.0.1:{port}//"

    def start(self) -> "RabbitMQ":
        self.folder.mkdir(parents=True, exist_ok=True)
        program("rabbitmqctl", "rabbitmq-server")
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = 127.0.0.1:{self.port}\n"
        )
        (self.folder / "enabled_plugins").write_text("[].")
        mapper_port = str(free_port())
        mapper = self._spawn(
            [program("epmd", "erlang-base"), "-port", mapper_port, "-address", "127.0.0.1"]
        )
        wait_until_up(mapper, int(mapper_port))
        process = self._spawn(
            [str(_RABBITMQ)],
            HOME=str(self.folder),
            ERL_EPMD_PORT=mapper_port,
            RABBITMQ_NODENAME=f"test{self.port}@localhost",
            RABBITMQ_DIST_PORT=str(free_port()),
            RABBITMQ_MNESIA_BASE=str(self.folder / "db"),
            RABBITMQ_LOG_BASE=str(self.folder / "logs"),
            RABBITMQ_CONFIG_FILE=str(self.folder / "rabbitmq"),
            RABBITMQ_ENABLED_PLUGINS_FILE=str(self.folder / "enabled_plugins"),
            RABBITMQ_PID_FILE=str(self.folder / "pid"),
            # One scheduler that does not spin leaves the processor to what is tested.
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 1:1 +sbwt none",
        )
        log = self.folder / "log"
        wait_until_up(process, self.port, log=log, timeout_s=120)
        wait_until(lambda: _speaks_amqp(self.port), 60, "RabbitMQ to answer")
        return self


def _speaks_amqp(port: int) -> bool:
    """Whether it answers: it listens a moment before that."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.settimeout(5)
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return bool(connection.recv(7))
    except OSError:
        return False


BROKERS: dict[str, type[Broker]] = {"redis": Redis, "rabbitmq": RabbitMQ}
