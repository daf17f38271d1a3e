"""What request handlers work with: the application's services, and the caller."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import current_app, g, request

from wordai_jobs.auth.signing import UrlSigner
from wordai_jobs.auth.verifier import DevTokens, TokenVerifier, bearer_token
from wordai_jobs.database.client import Database
from wordai_jobs.errors import AppError, Busy
from wordai_jobs.jobs.runner import JobRunner
from wordai_jobs.jobs.service import JobService
from wordai_jobs.library.books import BookService
from wordai_jobs.library.uploads import UploadService
from wordai_jobs.metrics.registry import Metrics
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.storage.storage import Storage

EXTENSION = "wordai_jobs"
_ALWAYS_ANSWERED = ("/health", "/metrics")
_NOT_OPEN_RETRY_S = 5


class DevFromOutside(AppError):
    """Mode dev lets anyone in, so it answers this machine only, whatever WSGI server or proxy
    stands before it.
    """

    status = 403

    def __init__(self) -> None:
        super().__init__("This server runs in mode dev and answers its own machine only")


@dataclass(frozen=True, slots=True)
class Services:
    """One application's parts that handlers use."""

    jobs: JobService
    books: BookService
    uploads: UploadService
    runner: JobRunner
    storage: Storage
    is_open: Callable[[], bool]
    database: Database
    pool: RenderPool
    signer: UrlSigner
    metrics: Metrics
    verifier: TokenVerifier
    dev_tokens: DevTokens | None


def services() -> Services:
    return cast(Services, current_app.extensions[EXTENSION])


def authenticate() -> None:
    """Find out who calls, for `user_id`; raises Unauthenticated. Set before the requests of a
    blueprint.
    """
    g.user_id = (
        services().verifier.verify(bearer_token(request.headers.get("Authorization"))).user_id
    )


def user_id() -> str:
    """The authenticated caller."""
    return cast(str, g.user_id)


def refuse_until_open() -> None:
    """Before the database has been reached once, only the state of the server can be asked."""
    if not services().is_open() and not request.path.startswith(_ALWAYS_ANSWERED):
        raise Busy("The database cannot be reached yet", _NOT_OPEN_RETRY_S)


def refuse_dev_from_outside() -> None:
    """A proxy on this machine connects from here, whoever asked it; those that it names must be
    here as well.
    """
    forwarded_for = request.headers.get("X-Forwarded-For", "").split(",")
    if services().dev_tokens and not all(
        map(_is_this_machine, [request.remote_addr or "", *forwarded_for])
    ):
        raise DevFromOutside


def _is_this_machine(address: str) -> bool:
    address = address.strip()
    return address.startswith("127.") or address in ("::1", "::ffff:127.0.0.1", "")
