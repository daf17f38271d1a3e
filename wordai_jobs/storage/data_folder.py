"""The data folder: its parts, its free space, and the error of a full disk."""

import logging
import math
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from wordai_jobs.errors import FULL_DISK, StartError, StorageFull
from wordai_jobs.files import write_secret
from wordai_jobs.storage.file_cache import FileCache
from wordai_jobs.storage.lock import FolderLock

# An upload leaves this much free, for the database's log and the pages of running jobs.
RESERVE_BYTES = 16 * 1024 * 1024
_NEW_FILE = ".new-"

logger = logging.getLogger(__name__)


class DataFolder:
    """The folder with `uploads/`, `staging/`, `chapters/`, `images/`, `trash/`, `mongodb/` and a
    few files.

    All of it is on one file system. A process that writes into it holds its lock.
    """

    advice = "correct storage.data_dir"

    def __init__(self, path: Path, image_cache_mb: int = 0) -> None:
        self.path = path.absolute()
        self.uploads = self.path / "uploads"
        self.staging = self.path / "staging"
        self.chapters = self.path / "chapters"
        # Images of other sizes than the stored ones; their names begin with their chapter's id.
        self.images = FileCache(self.path / "images", image_cache_mb * 1024 * 1024)
        self.trash = self.path / "trash"
        self.mongodb = self.path / "mongodb"
        self.lock = FolderLock(self.path / "lock")
        self._identity_path = self.path / "identity"
        self._identity: str | None = None

    def __str__(self) -> str:
        return f"data folder {self.path}"

    def create(self) -> None:
        """Create the folders that do not exist. Raises StartError if that is impossible."""
        try:
            for folder in (self.path, self.uploads, self.staging, self.chapters, self.trash):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(f"Cannot use the data folder {self.path}: {error.strerror}") from error

    @property
    def is_empty(self) -> bool:
        """Whether there are neither uploads nor pages."""
        return not any(
            any(folder.iterdir()) for folder in (self.uploads, self.staging, self.chapters)
        )

    def identity(self) -> str | None:
        """The id that this folder shares with its database; None before the first start."""
        if self._identity is None:
            with suppress(FileNotFoundError):
                self._identity = self._identity_path.read_text(encoding="ascii").strip() or None
        return self._identity

    def set_identity(self, identity: str) -> None:
        write_secret(self._identity_path, identity)
        self._identity = identity

    def secret_key(self) -> str:
        """The key that belongs to this folder's data, created on first use."""
        path = self.path / "secret_key"
        with suppress(FileNotFoundError):
            key = path.read_text(encoding="ascii").strip()
            if key:
                return key
            raise StartError(f"{path} is empty: delete it, or set server.secret_key")
        key = secrets.token_hex(32)
        write_secret(path, key)
        return key

    def check_one_file_system(self) -> None:
        """Raises StartError if files cannot be renamed from one part of the folder to another."""
        for source, target in (
            (self.staging, self.chapters),
            (self.chapters, self.trash),
            (self.uploads, self.trash),
        ):
            probe = source / f".probe-{secrets.token_hex(8)}"
            probe.mkdir()
            moved = target / probe.name
            try:
                os.rename(probe, moved)
            except OSError as error:
                probe.rmdir()
                raise StartError(
                    f"{source} and {target} must be on one file system: {error.strerror}"
                ) from error
            moved.rmdir()

    def has_room_for(self, size: int) -> bool:
        return shutil.disk_usage(self.path).free > size + RESERVE_BYTES

    def check_writable(self) -> None:
        """Write a small file without a name, so that it cannot be left behind. Raises OSError."""
        with tempfile.TemporaryFile(dir=self.staging, buffering=0) as probe:
            probe.write(b"ok")


def changed_between(
    folder: Path, since: datetime | None, until: datetime | None
) -> Iterator[os.DirEntry[str]]:
    """The entries of a folder that were last changed at or after `since` and before `until`.

    An entry that is removed in the meantime is left out.
    """
    first = since.timestamp() if since else -math.inf
    end = until.timestamp() if until else math.inf
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if first <= entry.stat(follow_symlinks=False).st_mtime < end:
                    yield entry


@contextmanager
def new_file(folder: DataFolder) -> Iterator[Path]:
    """The path of a file that does not exist yet; it is removed afterwards unless it was moved."""
    path = folder.staging / f"{_NEW_FILE}{secrets.token_hex(8)}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def remove_new_files(folder: DataFolder) -> None:
    """Remove the new files of a dead server."""
    for path in folder.staging.glob(f"{_NEW_FILE}*"):
        path.unlink(missing_ok=True)


@contextmanager
def translated_full_disk() -> Iterator[None]:
    """Turn `No space left on device` and `Disk quota exceeded` into StorageFull."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK:
            raise StorageFull from error
        raise
