"""Receives PDFs: each becomes a local file first, because it is inspected before it is stored."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

from wordai_jobs.errors import InvalidPdf, UploadTooLarge
from wordai_jobs.storage.data_folder import DataFolder, remove_new_files, translated_full_disk
from wordai_jobs.storage.storage import ReceivedPdf

_BLOCK_BYTES = 1024 * 1024
_UNFINISHED = ".part"


@contextmanager
def received(source: IO[bytes], folder: DataFolder, max_mb: int) -> Iterator[ReceivedPdf]:
    """Copy `source` to its end into a file, which is removed afterwards unless it was moved.

    Raises what `Uploads.receiving` raises.
    """
    file_id = f"file_{uuid4().hex}"
    part = folder.uploads / f"{file_id}{_UNFINISHED}"
    try:
        with translated_full_disk():
            size, sha256 = _copy(source, part, max_mb)
        yield ReceivedPdf(file_id, part, size, sha256)
    finally:
        part.unlink(missing_ok=True)


def remove_unfinished(folder: DataFolder) -> None:
    """Remove what a dead server was receiving or writing."""
    remove_new_files(folder)
    for part in folder.uploads.glob(f"*{_UNFINISHED}"):
        part.unlink(missing_ok=True)


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
    return size, digest.hexdigest()
