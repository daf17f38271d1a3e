"""A worker of a fleet: renders pages for all API servers until a signal ends it."""

import gc
import logging
import os
import signal
import socket
import warnings
from datetime import datetime
from pathlib import Path
from types import FrameType

from celery import signals
from celery.apps.worker import Worker
from celery.exceptions import CPendingDeprecationWarning
from celery.platforms import SecurityWarning
from prometheus_client import Gauge

from wordai_jobs import readiness
from wordai_jobs.backend import (
    as_start_error,
    check_sandbox,
    configured_database,
    configured_storage,
)
from wordai_jobs.config import Config
from wordai_jobs.database.metrics import DatabaseMetrics
from wordai_jobs.errors import DatabaseAway, DatabaseError, StorageAway, StorageError
from wordai_jobs.jobs.celery.fleet import Fleet
from wordai_jobs.jobs.celery.health import HealthListener
from wordai_jobs.jobs.celery.lookout import Lookout
from wordai_jobs.jobs.celery.steps import Steps
from wordai_jobs.jobs.celery.tasks import Tasks
from wordai_jobs.jobs.housekeeping import Housekeeper
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.metrics.registry import new_registry
from wordai_jobs.metrics.state import watch_disk, watch_renderers
from wordai_jobs.pairing import pair
from wordai_jobs.rendering.fork_client import ForkServer
from wordai_jobs.rendering.metrics import RenderMetrics
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.storage.data_folder import DataFolder

_OPEN_INTERVAL_S = 0.5
# While one task of a renderer waits for the database, another one has its pages rendered.
_TASKS_A_RENDERER = 2

# Isolation and limits come with the service's unit or container, whoever the user is.
warnings.filterwarnings("ignore", category=SecurityWarning)
# Tasks go on when the broker is lost, which Celery will change by default.
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)

logger = logging.getLogger(__name__)


class FleetWorker:
    """Takes messages from the broker, and does their tasks with renderers of its own."""

    def __init__(
        self, config: Config, concurrency: int | None, listen: tuple[str, int] | None
    ) -> None:
        """`concurrency`: how many tasks are done at once. Raises StartError."""
        registry = new_registry()
        job_metrics, render_metrics = JobMetrics(registry), RenderMetrics(registry)
        self._storage = configured_storage(config, DataFolder(Path(config.storage.data_dir)))
        self._storage.folder.create()
        self._database = configured_database(config, None, DatabaseMetrics(registry))
        self._sandbox = config.rendering.sandbox
        self._fork_server = ForkServer(self._sandbox)
        self._pool = RenderPool(config.rendering, self._fork_server, render_metrics)
        self._fleet = Fleet.of(config, self._database, self._storage, job_metrics)
        lookout = Lookout(self._fleet, config.jobs)
        self._steps = Steps(self._fleet, self._pool, lookout)
        self._housekeeper = Housekeeper({"lookout": lookout.chores})
        self._concurrency = concurrency or _TASKS_A_RENDERER * config.rendering.process_count
        self._queue_age = Gauge(
            "wordai_jobs_queue_age_seconds",
            "How long the last message waited in the queue until it arrived here.",
            registry=registry,
        )
        Tasks(self._steps, lookout, self._on_arrival).register(self._fleet.celery)
        watch_renderers(registry, lambda: self._pool.ready_count)
        watch_disk(registry, self._storage.folder.path)
        self._listener = HealthListener(*listen, self._problems, registry) if listen else None
        self._is_open = self._takes_messages = False

    def run(self) -> int:
        """Work until SIGTERM or SIGINT; returns the exit code. Raises StartError."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        try:
            self._storage.folder.lock.acquire()
            check_sandbox(self._sandbox)
            if self._listener:
                self._listener.start()
            self._pool.start()
            self._open()
            return self._work() if self._is_open else 0
        except (DatabaseError, StorageError) as error:
            raise as_start_error(error) from error
        finally:
            self._housekeeper.stop()
            self._pool.stop()
            self._fork_server.stop()
            self._database.close()
            self._storage.close()
            if self._listener:
                self._listener.stop()
            self._storage.folder.lock.release()
            logger.info("stopped")

    def _open(self) -> None:
        """Wait until database and storage can be reached, and check that they belong together."""
        said = ""
        while not self._steps.stopping.is_set():
            try:
                pair(self._storage, self._database, is_shared=True)
                self._fleet.clock.compare()
                self._storage.remove_unfinished()
                self._housekeeper.start()
                self._is_open = True
                return
            except (DatabaseAway, StorageAway) as error:
                if error.message != said:
                    said = error.message
                    logger.warning("%s yet; waiting", said)
                self._steps.stopping.wait(_OPEN_INTERVAL_S)

    def _work(self) -> int:
        signals.setup_logging.connect(_keep_our_log)
        signals.worker_ready.connect(self._on_ready)
        signals.worker_shutting_down.connect(self._on_shutdown)
        worker = Worker(
            app=self._fleet.celery,
            hostname=f"worker{os.getpid()}@{socket.gethostname()}",
            pool_cls="threads",
            concurrency=self._concurrency,
            quiet=True,
            without_mingle=True,
            without_gossip=True,
        )
        logger.info("working: %d tasks at once", self._concurrency)
        worker.start()
        return int(worker.exitcode or 0)

    def _problems(self) -> list[str]:
        if not self._is_open:
            return ["the database or the storage cannot be reached yet"]
        found = readiness.problems(self._database, self._storage)
        if not self._pool.ready_count:
            found.append("no page renderer is running")
        if not self._fleet.messages.is_broker_there():
            found.append("the broker cannot be reached")
        elif not self._takes_messages:
            found.append("no messages are taken yet")
        return found

    def _on_arrival(self, published_at: datetime) -> None:
        waited_s = (self._fleet.clock.now() - published_at).total_seconds()
        self._queue_age.set(max(waited_s, 0))

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Before Celery has its own handlers."""
        self._steps.stopping.set()

    def _on_ready(self, **_: object) -> None:
        # What is imported and connected now stays, so the garbage collector need not look at it.
        gc.collect()
        gc.freeze()
        self._takes_messages = True

    def _on_shutdown(self, **_: object) -> None:
        logger.info("stopping: tasks in hand leave off")
        self._steps.stopping.set()


def _keep_our_log(**_: object) -> None:
    """Celery sets up no log of its own if somebody answers this signal."""
