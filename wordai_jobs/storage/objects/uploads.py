"""Uploaded PDFs as objects."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from wordai_jobs.availability import handles_request
from wordai_jobs.errors import StorageError
from wordai_jobs.storage.data_folder import DataFolder, translated_full_disk
from wordai_jobs.storage.file_cache import FileCache
from wordai_jobs.storage.objects.keys import PDF_ENDING, UPLOADS, upload_key
from wordai_jobs.storage.objects.store import ObjectStore
from wordai_jobs.storage.receiving import received
from wordai_jobs.storage.storage import ReceivedPdf, UploadGone

_RETRY_PAUSE_S = 0.5

logger = logging.getLogger(__name__)


class ObjectUploads:
    """Implements `Uploads`."""

    def __init__(self, store: ObjectStore, folder: DataFolder, copies: FileCache) -> None:
        self._store = store
        self._folder = folder
        self._copies = copies

    @contextmanager
    def receiving(self, source: IO[bytes], max_mb: int) -> Iterator[ReceivedPdf]:
        with received(source, self._folder, max_mb) as pdf:
            yield pdf
            self._store.put_file(upload_key(pdf.file_id), pdf.path)
            # The job of an upload often runs on the machine that has received it.
            self._copies.add(f"{pdf.file_id}{PDF_ENDING}", pdf.path)

    def fetch(
        self, file_id: str, on_progress: Callable[[float], None], *, is_patient: bool = True
    ) -> AbstractContextManager[Path]:
        def download(path: Path) -> None:
            while True:
                try:
                    with translated_full_disk():
                        self._store.download(upload_key(file_id), path, on_progress)
                    return
                except FileNotFoundError as error:
                    raise UploadGone from error
                except StorageError:
                    if handles_request.get():
                        raise
                    path.unlink(missing_ok=True)
                    if not is_patient:
                        raise
                    on_progress(0)  # the caller may want no more
                    time.sleep(_RETRY_PAUSE_S)

        return self._copies.use(f"{file_id}{PDF_ENDING}", download, lambda: on_progress(0))

    def remove(self, file_id: str) -> bool:
        self._copies.remove(f"{file_id}{PDF_ENDING}")
        try:
            self._store.remove([upload_key(file_id)])
        except StorageError:
            logger.warning("upload %s is left to the clean-up: storage is away", file_id)
            return False
        return True

    def file_ids(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[str]:
        for found in self._store.under(UPLOADS):
            is_late = since is not None and found.changed_at < since
            if is_late or (until is not None and found.changed_at >= until):
                continue
            if found.key.endswith(PDF_ENDING):
                yield found.key.removeprefix(UPLOADS).removesuffix(PDF_ENDING)
