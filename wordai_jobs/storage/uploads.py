"""Uploaded PDFs: one file each, named by an id that the server drew."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

from wordai_jobs.errors import InvalidPdf, UploadTooLarge
from wordai_jobs.storage.folder import DataFolder, fsync_folder, full_disk_in_words

_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is safely on disk; size in bytes, sha256 in hexadecimal."""

    file_id: str
    path: Path
    size: int
    sha256: str


class UploadStore:
    """The folder of uploads. File names of users never reach the file system."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder

    def path(self, file_id: str) -> Path:
        """Where the PDF of an id from the database is."""
        return self._folder.uploads / f"{file_id}.pdf"

    def store(self, source: IO[bytes], max_mb: int) -> StoredFile:
        """Copy `source` to its end and make it last.

        Raises UploadTooLarge past `max_mb`, InvalidPdf where there is nothing, StorageFull; then nothing is left behind.
        """
        file_id = f"file_{uuid4().hex}"
        path = self.path(file_id)
        try:
            with full_disk_in_words():
                size, sha256 = _copy(source, path, max_mb)
                fsync_folder(path.parent)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return StoredFile(file_id, path, size, sha256)

    def remove(self, file_id: str) -> None:
        self.path(file_id).unlink(missing_ok=True)


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
