"""Uploaded PDFs: one file each, named by an id that the server has drawn."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO

from wordai_jobs.files import fsync_folder, syncing
from wordai_jobs.storage.data_folder import DataFolder, changed_between, translated_full_disk
from wordai_jobs.storage.receiving import received
from wordai_jobs.storage.storage import ReceivedPdf, UploadGone

_ENDING = ".pdf"


class FolderUploads:
    """Implements `Uploads`. File names of users never reach the file system."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder

    def path(self, file_id: str) -> Path:
        """The path of the PDF with an id from the database."""
        return self._folder.uploads / f"{file_id}{_ENDING}"

    @contextmanager
    def receiving(self, source: IO[bytes], max_mb: int) -> Iterator[ReceivedPdf]:
        with received(source, self._folder, max_mb) as pdf, translated_full_disk():
            with open(pdf.path, "rb") as file, syncing(partial(os.fsync, file.fileno())):
                yield pdf
            os.rename(pdf.path, self.path(pdf.file_id))
            fsync_folder(self._folder.uploads)

    def fetch(
        self, file_id: str, on_progress: Callable[[float], None], *, is_patient: bool = True
    ) -> AbstractContextManager[Path]:
        path = self.path(file_id)
        if not path.is_file():
            raise UploadGone
        return nullcontext(path)

    def remove(self, file_id: str) -> bool:
        self.path(file_id).unlink(missing_ok=True)
        return True

    def file_ids(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[str]:
        for entry in changed_between(self._folder.uploads, since, until):
            if entry.name.endswith(_ENDING):
                yield entry.name.removesuffix(_ENDING)
