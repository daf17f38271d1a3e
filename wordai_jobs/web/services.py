"""The parts of the application that request handlers use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import current_app, request
from prometheus_client import CollectorRegistry

from wordai_jobs.auth.remembered import RememberedTokens
from wordai_jobs.auth.signing import UrlSigner
from wordai_jobs.auth.verifier import DevTokens
from wordai_jobs.database.client import Database
from wordai_jobs.errors import Busy
from wordai_jobs.jobs.book_removal import BookRemoval
from wordai_jobs.jobs.engine import Engine
from wordai_jobs.jobs.service import JobService
from wordai_jobs.library.books import BookService
from wordai_jobs.library.images import ImageService
from wordai_jobs.library.reading import ReadingService
from wordai_jobs.library.search import SearchService
from wordai_jobs.library.uploads import UploadService
from wordai_jobs.rendering.sandbox import State
from wordai_jobs.storage.storage import Storage

EXTENSION = "wordai_jobs"
# These respond even before the database has been reached for the first time.
_STATE_OF_THE_SERVER = ("/health", "/metrics")
_NOT_OPEN_RETRY_S = 5


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one application.

    `dev_tokens` is None unless the server runs in mode dev. `is_open` says whether requests can be
    served; `waits_for` names what has not been reached since the start, as long as they cannot.
    """

    jobs: JobService
    books: BookService
    book_removal: BookRemoval
    reading: ReadingService
    images: ImageService
    uploads: UploadService
    search: SearchService
    engine: Engine
    storage: Storage
    is_open: Callable[[], bool]
    waits_for: Callable[[], str]
    database: Database
    sandbox: State
    signer: UrlSigner
    registry: CollectorRegistry
    verifier: RememberedTokens
    dev_tokens: DevTokens | None


def services() -> Services:
    return cast(Services, current_app.extensions[EXTENSION])


def refuse_until_open() -> None:
    """Raises Busy until everything has been reached, except for the state of the server."""
    if not services().is_open() and not request.path.startswith(_STATE_OF_THE_SERVER):
        raise Busy(f"The {services().waits_for()} cannot be reached yet", _NOT_OPEN_RETRY_S)
