"""Uploaded PDFs: one file each, named by an id that the server has drawn."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import uuid4

from wordai_jobs.errors import InvalidPdf, UploadTooLarge
from wordai_jobs.files import fsync_folder
from wordai_jobs.storage.data_folder import DataFolder, changed_between, translated_full_disk
from wordai_jobs.storage.storage import ReceivedPdf, UploadGone

_BLOCK_BYTES = 1024 * 1024
_ENDING = ".pdf"
_UNFINISHED = ".part"


class FolderUploads:
    """Implements `Uploads`. File names of users never reach the file system."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder

    def path(self, file_id: str) -> Path:
        """The path of the PDF with an id from the database."""
        return self._folder.uploads / f"{file_id}{_ENDING}"

    @contextmanager
    def receiving(self, source: IO[bytes], max_mb: int) -> Iterator[ReceivedPdf]:
        file_id = f"file_{uuid4().hex}"
        part = self._folder.uploads / f"{file_id}{_UNFINISHED}"
        try:
            with translated_full_disk():
                size, sha256 = _copy(source, part, max_mb)
            yield ReceivedPdf(file_id, part, size, sha256)
            with translated_full_disk():
                os.rename(part, self.path(file_id))
                fsync_folder(part.parent)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def fetch(
        self, file_id: str, on_progress: Callable[[float], None]
    ) -> AbstractContextManager[Path]:
        path = self.path(file_id)
        if not path.is_file():
            raise UploadGone
        return nullcontext(path)

    def remove(self, file_id: str) -> None:
        self.path(file_id).unlink(missing_ok=True)

    def remove_unfinished(self) -> None:
        for part in self._folder.uploads.glob(f"*{_UNFINISHED}"):
            part.unlink(missing_ok=True)

    def file_ids(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[str]:
        for entry in changed_between(self._folder.uploads, since, until):
            if entry.name.endswith(_ENDING):
                yield entry.name.removesuffix(_ENDING)


def _copy(source: IO[bytes], path: Path, max_mb: int) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    with open(path, "xb") as target:
        while block := source.read(_BLOCK_BYTES):
            size += len(block)
            if size > max_mb * 1024 * 1024:
                raise UploadTooLarge(max_mb)
            digest.update(block)
            target.write(block)
        if size == 0:
            raise InvalidPdf("The file is empty")
        target.flush()
        os.fsync(target.fileno())
    return size, digest.hexdigest()
