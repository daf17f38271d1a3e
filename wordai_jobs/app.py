"""The application factory: connects the backend to the web. Creating an app starts nothing."""

from flask import Flask

from wordai_jobs.auth.remembered import RememberedTokens
from wordai_jobs.auth.signing import UrlSigner
from wordai_jobs.auth.verifier import DevTokens, TokenVerifier
from wordai_jobs.backend import Backend
from wordai_jobs.config import Config
from wordai_jobs.processes import Processes
from wordai_jobs.rendering import sandbox
from wordai_jobs.web import (
    access_log,
    app_page,
    books,
    dev,
    docs,
    error_responses,
    files,
    health,
    images,
    jobs,
    metrics,
    reading,
    response_headers,
    search,
    text,
)
from wordai_jobs.web.access_log import AccessLog
from wordai_jobs.web.authentication import refuse_strangers_in_mode_dev
from wordai_jobs.web.json import OrjsonProvider
from wordai_jobs.web.polls import Polls
from wordai_jobs.web.ranges import RangeResponse
from wordai_jobs.web.request_bodies import MAX_FIELDS_MB
from wordai_jobs.web.request_metrics import RequestMetrics
from wordai_jobs.web.response_headers import CommonHeaders
from wordai_jobs.web.services import EXTENSION, Services, refuse_until_open

_BACKEND = "wordai_jobs.backend"


def create_app(config: Config, processes: Processes | None = None) -> Flask:
    """The application for `config`, with the processes that have begun to start, if there are any.
    Raises StartError if it cannot be built.

    It cannot serve requests before `backend(app).start()` has returned.
    """
    built = Backend(config, processes)
    services = _services(config, built)
    app = Flask("wordai_jobs", static_folder=None)
    app.json = OrjsonProvider(app)
    app.response_class = RangeResponse
    app.url_map.strict_slashes = False
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_FIELDS_MB * 1024 * 1024
    app.extensions[_BACKEND] = built
    app.extensions[EXTENSION] = services
    log = AccessLog(RequestMetrics(built.registry))
    common = CommonHeaders(app, config.cors.origins)
    access_log.register(app, log)
    response_headers.register(app, config.cors.origins)
    error_responses.register(app, config.limits.max_upload_mb)
    app.before_request(refuse_strangers_in_mode_dev)
    app.before_request(refuse_until_open)
    for blueprint in (
        jobs.blueprint,
        files.blueprint,
        books.blueprint,
        text.blueprint,
        reading.blueprint,
        images.blueprint,
        search.blueprint,
        health.blueprint,
        docs.blueprint,
        app_page.create_blueprint(app_page.SignIn.of(config.auth), config.limits),
    ):
        app.register_blueprint(blueprint)
    if config.metrics.port == 0:
        app.register_blueprint(metrics.blueprint)
    if services.dev_tokens:
        app.register_blueprint(dev.blueprint)
    app.wsgi_app = Polls(app.wsgi_app, services, common, log)  # type: ignore[method-assign]
    return app


def backend(app: Flask) -> Backend:
    """The backend of the application; it has to be started, and stopped."""
    found: Backend = app.extensions[_BACKEND]
    return found


def _services(config: Config, built: Backend) -> Services:
    secret_key = config.server.secret_key or built.storage.folder.secret_key()
    dev_tokens = DevTokens(secret_key) if config.auth.mode == "dev" else None
    return Services(
        jobs=built.jobs,
        books=built.library.books,
        book_removal=built.book_removal,
        reading=built.library.reading,
        images=built.images,
        uploads=built.library.uploads,
        search=built.library.search,
        engine=built.engine,
        storage=built.storage,
        is_open=lambda: built.is_open,
        waits_for=lambda: built.waits_for,
        database=built.database,
        sandbox=sandbox.state(config.rendering.sandbox),
        signer=UrlSigner(secret_key),
        registry=built.registry,
        verifier=RememberedTokens(dev_tokens or _firebase(config)),
        dev_tokens=dev_tokens,
    )


def _firebase(config: Config) -> TokenVerifier:
    # Imported only if it is needed: firebase-admin takes half a second and 60 MB.
    from wordai_jobs.auth.firebase import FirebaseTokens

    return FirebaseTokens(
        config.auth.firebase_project_id,
        config.auth.credentials_file,
        is_loopback=config.server.is_loopback,
    )
