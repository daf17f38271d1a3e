"""The service for uploads: a PDF is stored, inspected and recorded, or refused without a trace."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import IO

from wordai_jobs.clock import utc_now
from wordai_jobs.config import Config
from wordai_jobs.database.client import Database
from wordai_jobs.errors import AccessDenied, Invalid, NotFound, StorageAway, StorageFull
from wordai_jobs.library.quota import Quota
from wordai_jobs.model.upload import Upload, clean_filename
from wordai_jobs.recent import Recent
from wordai_jobs.rendering.inspector import Inspector
from wordai_jobs.storage.storage import Storage, UploadGone

# A request waits no longer for a PDF to come from an object store.
_FETCH_TIMEOUT_S = 30.0
# Most PDFs are enqueued right after their upload, and several chapters of one PDF in a row. If the
# record is removed within this time, a job may still be recorded; it fails then.
_LATELY_S = 10.0
# A record takes about 1 KB.
_MOST_RECORDS = 1_000


@dataclass(frozen=True, slots=True)
class IncomingPdf:
    """A PDF that is being received, with the name that the client has given it."""

    filename: str | None
    content: IO[bytes]


class UploadService:
    """The uploaded PDFs of users."""

    def __init__(
        self,
        config: Config,
        database: Database,
        storage: Storage,
        inspector: Inspector,
        quota: Quota,
    ) -> None:
        self._max_upload_mb = config.limits.max_upload_mb
        self._max_pages = config.rendering.max_pages
        self._retention = timedelta(days=config.jobs.retention_days)
        self._database = database
        self._storage = storage
        self._inspector = inspector
        self._quota = quota
        # By id: the record without its outline, and when it was read.
        self._lately = Recent[str, tuple[Upload, float]](_MOST_RECORDS)

    def check_room(self, user_id: str, size: int) -> None:
        """Raises QuotaReached or StorageFull for a body of `size` bytes, before it is read."""
        self._quota.check(user_id, size)
        if not self._storage.folder.has_room_for(size):
            raise StorageFull

    def add(self, user_id: str, pdf: IncomingPdf) -> Upload:
        """Store and record a PDF.

        Raises InvalidPdf, Invalid if it has too many pages, UploadTooLarge, StorageFull, Busy or
        DatabaseError. After any error nothing is left behind.
        """
        with self._storage.uploads.receiving(pdf.content, self._max_upload_mb) as stored:
            found = self._inspector.inspect(stored.path)
            if found.page_count > self._max_pages:
                limit = self._max_pages
                raise Invalid(f"PDF has {found.page_count} pages, more than the limit of {limit}")
        now = utc_now()
        upload = Upload(
            file_id=stored.file_id,
            user_id=user_id,
            filename=clean_filename(pdf.filename),
            size=stored.size,
            sha256=stored.sha256,
            page_count=found.page_count,
            created_at=now,
            expires_at=now + self._retention,
            title=found.title,
            outline=found.outline,
            page_labels=found.page_labels,
        )
        try:
            self._database.uploads.insert(upload)
        except BaseException:
            self._storage.uploads.remove(stored.file_id)
            raise
        self._quota.add(user_id, upload.size)
        self._remember(replace(upload, title=None, outline=(), page_labels=None))
        return upload

    def get(self, file_id: str, user_id: str) -> Upload:
        """Raises NotFound, AccessDenied or DatabaseError."""
        return _of_user(self._database.uploads.find(file_id), file_id, user_id)

    def get_lately(self, file_id: str, user_id: str) -> Upload:
        """As `get`, but the record may be as it was 10 seconds ago."""
        upload, read_at = self._lately.get(file_id) or (None, -math.inf)
        if upload is None or time.monotonic() - read_at >= _LATELY_S:
            upload = self.get(file_id, user_id)
            self._remember(upload)
        return _of_user(upload, file_id, user_id)

    def get_with_outline(self, file_id: str, user_id: str) -> Upload:
        """As `get`, with the outline and the page labels."""
        return _of_user(self._database.uploads.find_with_outline(file_id), file_id, user_id)

    @contextmanager
    def content(self, upload: Upload) -> Iterator[Path]:
        """The PDF as a local file, for as long as the context lasts. Raises NotFound if it has been
        removed, and StorageError.
        """
        give_up_at = time.monotonic() + _FETCH_TIMEOUT_S

        def on_progress(done: float) -> None:
            if time.monotonic() >= give_up_at:
                raise StorageAway

        fetch = self._storage.uploads.fetch
        try:
            fetched = fetch(upload.file_id, on_progress, is_patient=False)
        except UploadGone as error:
            raise NotFound("file", upload.file_id) from error
        with fetched as path:
            yield path

    def remove(self, upload: Upload) -> None:
        """Remove an upload that nothing uses."""
        self._lately.drop(upload.file_id)
        self._database.uploads.remove(upload.file_id)
        self._storage.uploads.remove(upload.file_id)
        self._quota.add(upload.user_id, -upload.size)

    def _remember(self, upload: Upload) -> None:
        self._lately.put(upload.file_id, (upload, time.monotonic()))


def _of_user(upload: Upload | None, file_id: str, user_id: str) -> Upload:
    if upload is None:
        raise NotFound("file", file_id)
    if upload.user_id != user_id:
        raise AccessDenied("file")
    return upload
