"""The application factory: builds the parts and wires them. Creating starts nothing; `Server.start`
does.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask
from prometheus_client import CollectorRegistry

from wordai_jobs.auth.remembered import RememberedTokens
from wordai_jobs.auth.signing import UrlSigner
from wordai_jobs.auth.verifier import DevTokens, TokenVerifier
from wordai_jobs.config import AuthSettings, Config, MongodbSettings, RenderingSettings
from wordai_jobs.database.books import BookRepository
from wordai_jobs.database.chapters import ChapterRepository
from wordai_jobs.database.client import Database
from wordai_jobs.database.embedded import EmbeddedDatabase
from wordai_jobs.database.idempotency import KeyRepository
from wordai_jobs.database.instances import InstanceRepository
from wordai_jobs.database.jobs import JobRepository
from wordai_jobs.database.metrics import DatabaseMetrics
from wordai_jobs.database.uploads import UploadRepository
from wordai_jobs.errors import DatabaseError, StartError
from wordai_jobs.jobs.cleanup import Cleanup
from wordai_jobs.jobs.housekeeping import Housekeeper
from wordai_jobs.jobs.lease import Lease
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.jobs.once import Once
from wordai_jobs.jobs.pipeline import Pipeline
from wordai_jobs.jobs.runner import JobRunner
from wordai_jobs.jobs.service import JobLimits, JobService
from wordai_jobs.jobs.sweep import Sweep
from wordai_jobs.library.books import BookService
from wordai_jobs.library.uploads import UploadService
from wordai_jobs.metrics.listener import MetricsListener
from wordai_jobs.metrics.registry import new_registry
from wordai_jobs.metrics.rendering import RenderMetrics
from wordai_jobs.metrics.state import watch_disk, watch_jobs, watch_renderers
from wordai_jobs.model.instance import Instance
from wordai_jobs.rendering.forks import ForkServer
from wordai_jobs.rendering.inspector import Inspector
from wordai_jobs.rendering.options import RenderOptions
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.storage.folder import DataFolder
from wordai_jobs.storage.pages import PageStore
from wordai_jobs.storage.uploads import UploadStore
from wordai_jobs.web import (
    access_log,
    app_page,
    books,
    dev,
    docs,
    errors,
    files,
    health,
    images,
    jobs,
    metrics,
    response_headers,
)
from wordai_jobs.web.authentication import refuse_other_machines_in_mode_dev
from wordai_jobs.web.json import OrjsonProvider
from wordai_jobs.web.request_bodies import MAX_FIELDS_MB
from wordai_jobs.web.request_metrics import RequestMetrics
from wordai_jobs.web.services import EXTENSION, Services

_LIFECYCLE = "wordai_jobs.lifecycle"

logger = logging.getLogger(__name__)


def create_app(config: Config) -> Flask:
    """The application for `config`; raises StartError where it cannot be built.

    It can answer once `lifecycle(app).start()` has returned.
    """
    parts = _build(config)
    app = Flask("wordai_jobs", static_folder=None)
    app.json = OrjsonProvider(app)
    app.url_map.strict_slashes = False
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_FIELDS_MB * 1024 * 1024
    app.extensions[EXTENSION] = parts.services
    app.extensions[_LIFECYCLE] = parts.lifecycle
    access_log.register(app, RequestMetrics(parts.services.registry))
    response_headers.register(app, config.cors.origins)
    errors.register(app, config.limits.max_upload_mb)
    app.before_request(refuse_other_machines_in_mode_dev)
    for blueprint in (
        jobs.blueprint,
        files.blueprint,
        books.blueprint,
        images.blueprint,
        health.blueprint,
        docs.blueprint,
    ):
        app.register_blueprint(blueprint)
    app.register_blueprint(
        app_page.create_blueprint(app_page.SignIn.of(config.auth), config.limits.max_upload_mb)
    )
    if config.metrics.port == 0:
        app.register_blueprint(metrics.blueprint)
    if parts.services.dev_tokens:
        app.register_blueprint(dev.blueprint)
    return app


def lifecycle(app: Flask) -> "Lifecycle":
    """What starts and stops the application's threads and processes."""
    found: Lifecycle = app.extensions[_LIFECYCLE]
    return found


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Starts what the application needs, and stops it in the reverse order."""

    embedded: EmbeddedDatabase | None
    database: Database
    retention_days: int
    fork_server: ForkServer
    pool: RenderPool
    inspector: Inspector
    runner: JobRunner
    housekeeper: Housekeeper
    metrics_listener: MetricsListener | None

    def start(self) -> None:
        """Returns once jobs can be taken; raises StartError, then everything is stopped again."""
        try:
            if self.metrics_listener:
                self.metrics_listener.start()
            self.pool.start()
            if self.embedded:
                self.embedded.start()
            self.database.create_indexes(self.retention_days)
            self.housekeeper.start()
            self.inspector.start()
        except DatabaseError as error:
            self.stop(grace_s=0)
            raise StartError(f"MongoDB: {error.words} (mongodb.uri)") from error
        except StartError:
            self.stop(grace_s=0)
            raise

    def stop(self, grace_s: float) -> None:
        """`end_jobs`, then `release`."""
        self.end_jobs(grace_s)
        self.release()

    def end_jobs(self, grace_s: float) -> None:
        """Take no more jobs, give those that run `grace_s` seconds, end the rest. Requests are
        answered as before.
        """
        self.runner.shut_down(grace_s)

    def release(self) -> None:
        """Stop every thread and process. A request that came now would be answered with an
        error.
        """
        self.housekeeper.stop()
        self.inspector.stop()
        self.pool.stop()
        self.fork_server.stop()
        self.database.close()
        if self.embedded:
            self.embedded.stop()
        if self.metrics_listener:
            self.metrics_listener.stop()


@dataclass(frozen=True, slots=True)
class _Parts:
    services: Services
    lifecycle: Lifecycle


def _build(config: Config) -> _Parts:
    folder = DataFolder(Path(config.storage.data_dir))
    folder.create()
    secret_key = config.server.secret_key or folder.secret_key()
    registry = new_registry()
    job_metrics, render_metrics = JobMetrics(registry), RenderMetrics(registry)
    embedded, database = configured_database(config.mongodb, folder, DatabaseMetrics(registry))
    instance = Instance.of_this_process()
    jobs_recorded, chapters, books_recorded = (
        JobRepository(database),
        ChapterRepository(database),
        BookRepository(database),
    )
    instances = InstanceRepository(database)
    uploads_recorded, keys = UploadRepository(database), KeyRepository(database)
    pages, upload_store = PageStore(folder), UploadStore(folder, instance.instance_id)
    fork_server = ForkServer()
    pool = _render_pool(config.rendering, fork_server, render_metrics)
    inspector = Inspector(config.rendering.memory_limit_mb, fork_server, render_metrics)
    pipeline = Pipeline(upload_store, pages, pool, books_recorded, chapters, job_metrics)
    runner = JobRunner(
        config.jobs.workers, config.jobs.max_queued, run=pipeline.run, fail=pipeline.fail
    )
    sweep = Sweep(
        instance.instance_id, jobs_recorded, chapters, instances, pages, runner.live, job_metrics
    )
    cleanup = Cleanup(
        timedelta(days=config.jobs.retention_days),
        jobs_recorded,
        chapters,
        uploads_recorded,
        instances,
        pages,
        upload_store,
    )
    lease = Lease()
    dev_tokens = DevTokens(secret_key) if config.auth.mode == "dev" else None
    services = Services(
        jobs=JobService(
            instance.instance_id,
            JobLimits(config.jobs.timeout_s, config.limits.max_active_jobs_per_user),
            jobs_recorded,
            chapters,
            runner,
            Once(keys, jobs_recorded.find),
            lease,
            job_metrics,
        ),
        books=BookService(books_recorded, chapters, pages),
        uploads=UploadService(
            folder,
            upload_store,
            inspector,
            uploads_recorded,
            config.limits.max_upload_mb,
            config.rendering.max_pages,
        ),
        runner=runner,
        pages=pages,
        folder=folder,
        database=database,
        pool=pool,
        signer=UrlSigner(secret_key),
        registry=registry,
        verifier=dev_tokens or _firebase(config.auth),
        dev_tokens=dev_tokens,
    )
    _watch(registry, config, runner, pool, folder)
    return _Parts(
        services,
        Lifecycle(
            embedded=embedded,
            database=database,
            retention_days=config.jobs.retention_days,
            fork_server=fork_server,
            pool=pool,
            inspector=inspector,
            runner=runner,
            housekeeper=Housekeeper(
                instance, instances, jobs_recorded, runner, sweep, cleanup, lease
            ),
            metrics_listener=MetricsListener(config.metrics.port, registry)
            if config.metrics.port
            else None,
        ),
    )


def configured_database(
    settings: MongodbSettings,
    folder: DataFolder,
    metrics: DatabaseMetrics | None = None,
) -> tuple[EmbeddedDatabase | None, Database]:
    """The connection, and the server to start before it is used where that is the embedded one."""
    embedded = EmbeddedDatabase(folder.mongodb) if settings.uri == "embedded" else None
    uri = embedded.uri if embedded else settings.uri
    # The lock on the data folder keeps the embedded one to one server.
    return embedded, Database(uri, settings.database, metrics, is_shared=embedded is None)


def render_options(settings: RenderingSettings) -> RenderOptions:
    return RenderOptions(settings.dpi, settings.format, settings.jpeg_quality, settings.max_pixels)


def _render_pool(
    settings: RenderingSettings, fork_server: ForkServer, metrics: RenderMetrics
) -> RenderPool:
    return RenderPool(
        settings.process_count,
        render_options(settings),
        settings.page_timeout_s,
        settings.memory_limit_mb,
        fork_server,
        metrics,
    )


def _watch(
    registry: CollectorRegistry,
    config: Config,
    runner: JobRunner,
    pool: RenderPool,
    folder: DataFolder,
) -> None:
    watch_jobs(registry, lambda: runner.counts, config.jobs.max_queued)
    watch_renderers(registry, lambda: pool.ready_count)
    watch_disk(registry, folder.path)


def _firebase(settings: AuthSettings) -> TokenVerifier:
    # Imported where it is needed: firebase-admin takes half a second and 60 MB, for nothing in mode
    # dev.
    from wordai_jobs.auth.firebase import FirebaseTokens

    return RememberedTokens(FirebaseTokens(settings.firebase_project_id, settings.credentials_file))
