"""The parts of the application that request handlers use."""

from dataclasses import dataclass
from typing import cast

from flask import current_app
from prometheus_client import CollectorRegistry

from wordai_jobs.auth.signing import UrlSigner
from wordai_jobs.auth.verifier import DevTokens, TokenVerifier
from wordai_jobs.database.client import Database
from wordai_jobs.jobs.runner import JobRunner
from wordai_jobs.jobs.service import JobService
from wordai_jobs.library.books import BookService
from wordai_jobs.library.uploads import UploadService
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.storage.folder import DataFolder
from wordai_jobs.storage.pages import PageStore

EXTENSION = "wordai_jobs"


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one application. `dev_tokens` is None unless the server runs in mode dev."""

    jobs: JobService
    books: BookService
    uploads: UploadService
    runner: JobRunner
    pages: PageStore
    folder: DataFolder
    database: Database
    pool: RenderPool
    signer: UrlSigner
    registry: CollectorRegistry
    verifier: TokenVerifier
    dev_tokens: DevTokens | None


def services() -> Services:
    return cast(Services, current_app.extensions[EXTENSION])
