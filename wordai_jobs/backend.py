"""Builds everything behind the web from the settings: database, storage, renderers and jobs."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from wordai_jobs.config import Config
from wordai_jobs.database.client import Database
from wordai_jobs.database.embedded import EmbeddedDatabase
from wordai_jobs.database.metrics import DatabaseMetrics
from wordai_jobs.errors import (
    DatabaseAway,
    DatabaseError,
    FolderUnusable,
    StartError,
    StorageAway,
    StorageError,
)
from wordai_jobs.jobs.book_removal import BookRemoval
from wordai_jobs.jobs.cleanup import Cleanup
from wordai_jobs.jobs.ended_jobs import EndedJobs
from wordai_jobs.jobs.engine import Engine
from wordai_jobs.jobs.housekeeping import Chore, Housekeeper, cleanup_chores
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.jobs.service import JobService
from wordai_jobs.jobs.threads.engine import ThreadEngine
from wordai_jobs.library.images import MOST_AT_ONCE, ImageService
from wordai_jobs.library.library import Library
from wordai_jobs.metrics.listener import MetricsListener
from wordai_jobs.metrics.registry import new_registry
from wordai_jobs.metrics.state import watch_disk, watch_jobs, watch_renderers
from wordai_jobs.pairing import pair
from wordai_jobs.processes import Processes
from wordai_jobs.rendering import sandbox
from wordai_jobs.rendering.inspector import Inspector
from wordai_jobs.rendering.metrics import RenderMetrics
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.storage import FolderStorage
from wordai_jobs.storage.storage import Storage

# How often a server that waits for its database tries to reach it.
_OPEN_INTERVAL_S = 0.5
_IMAGE_CACHE_INTERVAL_S = 3600

logger = logging.getLogger(__name__)


class Backend:
    """Builds the parts and connects them, but starts nothing before `start`."""

    def __init__(self, config: Config, processes: Processes | None = None) -> None:
        """`processes`: those that have begun to start. Raises StartError if the parts cannot be
        built.
        """
        self.registry = new_registry()
        job_metrics, render_metrics = JobMetrics(self.registry), RenderMetrics(self.registry)
        self._processes = processes or Processes(config)
        self.storage = configured_storage(config, self._processes.folder)
        self.storage.folder.create()
        self.database = configured_database(
            config, self._processes.database, DatabaseMetrics(self.registry)
        )
        self._retention_days = config.jobs.retention_days
        self._is_shared = config.jobs.engine == "celery"

        self._sandbox = config.rendering.sandbox
        self._inspector = Inspector(config.rendering, self._processes.fork_server, render_metrics)

        self.library = Library(config, self.database, self.storage, self._inspector)
        self.engine = self._engine(config, job_metrics, render_metrics)
        retention = timedelta(days=self._retention_days)
        self.jobs = JobService(
            self.database, self.library, self.engine, EndedJobs(retention), job_metrics
        )
        self.book_removal = BookRemoval(
            self.database, self.storage, self.library.quota, self.engine.cancel
        )
        self.images = self._image_service(config, render_metrics)
        cleanup = Cleanup(retention, self.database, self.storage)
        strays = Chore("image cache", _IMAGE_CACHE_INTERVAL_S, self.images.remove_strays)
        self._housekeeper = Housekeeper(
            {
                "housekeeping": self.engine.chores,
                "deleted books": self.book_removal.chores(retention),
                "clean-up": [*cleanup_chores(cleanup), strays],
            }
        )

        registry, port = self.registry, config.metrics.port
        watch_jobs(registry, lambda: self.engine.counts, config.jobs.max_queued)
        watch_disk(registry, self.storage.folder.path)
        self._metrics_listener = MetricsListener(port, registry) if port else None

        # Whether requests can be served; not before database and storage have been reached once.
        self.is_open = False
        self.waits_for = "database"
        # Why the server has to stop although it has started.
        self.failure: StartError | None = None
        self._is_stopped = False

    def _engine(self, config: Config, metrics: JobMetrics, render_metrics: RenderMetrics) -> Engine:
        if config.jobs.engine == "threads":
            pool = RenderPool(config.rendering, self._processes.fork_server, render_metrics)
            watch_renderers(self.registry, lambda: pool.ready_count)
            return ThreadEngine(config, self.database, self.storage, pool, metrics)
        # Imported only if it is needed: it is not installed otherwise.
        from wordai_jobs.jobs.celery.engine import CeleryEngine
        from wordai_jobs.jobs.celery.fleet import Fleet

        return CeleryEngine(config, Fleet.of(config, self.database, self.storage, metrics))

    def _image_service(self, config: Config, metrics: RenderMetrics) -> ImageService:
        at_once = min(MOST_AT_ONCE, config.rendering.process_count)
        settings = config.rendering.model_copy(update={"processes": at_once})
        fork_server = self._processes.fork_server
        pool = RenderPool(settings, fork_server, metrics, "image renderer")
        return ImageService(
            self.database, self.storage, pool, metrics, lambda: self.engine.is_rendering
        )

    def start(self, on_failure: Callable[[], None] = lambda: None) -> None:
        """Start everything. Raises StartError, after it has stopped everything again.

        Returns once jobs can be accepted. If the database or the storage is away, it returns at
        once, and the backend accepts jobs as soon as both are there. If it then cannot use them, it
        calls `on_failure` on another thread.
        """
        try:
            # Nothing in the folder may be touched before this server holds its lock.
            self.storage.folder.lock.acquire()
            self.storage.folder.check_one_file_system()
            if self._metrics_listener:
                self._metrics_listener.start()
            check_sandbox(self._sandbox)
            self.engine.start()
            if self._processes.database:
                self._processes.database.start()
            try:
                self._open()
            except (DatabaseAway, StorageAway) as error:
                self._wait_for(error)
                logger.warning("the %s cannot be reached yet; waiting for it", self.waits_for)
                threading.Thread(
                    target=self._open_later, args=(on_failure,), name="opening", daemon=True
                ).start()
        except (DatabaseError, StorageError, StartError, OSError) as error:
            self.stop(grace_s=0)
            raise as_start_error(error) from error

    def _open(self) -> None:
        """Check the database and the storage, and begin to accept jobs.

        Can be tried again after DatabaseAway and StorageAway.
        """
        pair(self.storage, self.database, is_shared=self._is_shared)
        self.database.indexes.create(self._retention_days)
        self.storage.remove_unfinished()
        self.engine.open()
        self._housekeeper.start()
        self._inspector.start()
        self.is_open = True

    def _wait_for(self, error: DatabaseAway | StorageAway) -> None:
        self.waits_for = "database" if isinstance(error, DatabaseAway) else "object store"

    def _open_later(self, on_failure: Callable[[], None]) -> None:
        while not self._is_stopped:
            time.sleep(_OPEN_INTERVAL_S)
            try:
                self._open()
            except (DatabaseAway, StorageAway) as error:
                self._wait_for(error)
                continue
            except (DatabaseError, StorageError, StartError, OSError) as error:
                self.failure = as_start_error(error)
                on_failure()
            else:
                logger.info("database and storage can be reached; jobs can be accepted")
            return

    def stop(self, grace_s: float) -> None:
        """`end_jobs`, then `release`."""
        self.end_jobs(grace_s)
        self.release()

    def end_jobs(self, grace_s: float) -> None:
        """Accept no more jobs, give the running ones `grace_s` seconds, and end the others."""
        self.engine.shut_down(grace_s)

    def release(self) -> None:
        """Stop every thread and process. After this, no request can be served."""
        self._is_stopped = True
        self._housekeeper.stop()
        self._inspector.stop()
        self.images.stop()
        self.engine.stop()
        self.database.close()
        self.storage.close()
        if self._metrics_listener:
            self._metrics_listener.stop()
        self._processes.stop()


def check_sandbox(mode: sandbox.Mode) -> None:
    """Log how far renderers are confined. Raises StartError if that is less than is required."""
    state, summary = sandbox.state(mode), sandbox.summary(mode)
    if mode == "required" and state == "partial":
        raise StartError(summary)
    logger.log(logging.INFO if state == "complete" else logging.WARNING, summary)


def as_start_error(error: DatabaseError | StorageError | StartError | OSError) -> StartError:
    if isinstance(error, StartError):
        return error
    if isinstance(error, OSError):
        return FolderUnusable(error)
    if isinstance(error, StorageError):
        return StartError(f"{error.message} (storage.url)")
    return StartError(f"MongoDB: {error.message} (mongodb.uri)")


def configured_storage(config: Config, folder: DataFolder) -> Storage:
    """The configured storage. Raises StartError if it cannot be used with this installation."""
    if not config.storage.url:
        return FolderStorage(folder)
    # Imported only if it is needed: it is not installed otherwise.
    from wordai_jobs.storage.objects.storage import ObjectStorage
    from wordai_jobs.storage.objects.store import ObjectStore

    store = ObjectStore(config.storage.url, _request_slots(config))
    return ObjectStorage(folder, store, is_shared=config.jobs.engine == "celery")


def configured_database(
    config: Config, embedded: EmbeddedDatabase | None, metrics: DatabaseMetrics | None = None
) -> Database:
    """The configured database: `embedded`, or else that of `mongodb.uri`."""
    uri = embedded.uri if embedded else config.mongodb.uri
    return Database(uri, config.mongodb.database, metrics, _request_slots(config))


def _request_slots(config: Config) -> int:
    """Two threads stay free for requests that need neither the database nor the object store."""
    return max(1, config.server.threads - 2)
