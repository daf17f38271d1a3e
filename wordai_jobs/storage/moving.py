"""Copies all that is stored from one place to another: a data folder, or an object store.

A file and its object have the same name, so that any two places can be compared. What is there
already, with the right size, was copied by an earlier run: files and objects never change, and
appear as a whole.
"""

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from wordai_jobs.errors import StartError
from wordai_jobs.linux import sync_file_system
from wordai_jobs.storage.data_folder import DataFolder, translated_full_disk
from wordai_jobs.storage.storage import Holder

if TYPE_CHECKING:
    from wordai_jobs.storage.objects.store import ObjectStore

_THREADS = 16
_PARTS = ("uploads", "chapters")


class Place(Protocol):
    """Where files or objects are."""

    @property
    def holder(self) -> Holder: ...

    def sizes(self) -> Iterator[tuple[str, int]]:
        """The names of all that is stored, and their sizes in bytes."""

    def read(self, name: str, copy: Path) -> None:
        """Write what is stored into a new file."""

    def write(self, name: str, copy: Path) -> None:
        """Store a file, in one step."""

    def finish(self) -> None:
        """Make what was written survive a power cut."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much is done: `done` of `total` files, of which `copied` with `size` bytes were new."""

    done: int
    total: int
    copied: int
    size: int


def move(source: Place, target: Place) -> Iterator[Progress]:
    """Copy all from `source` to `target`, compare each copy, and give the target its identity.

    Yields the progress after every file. Raises StartError if the two cannot be of one library or
    a copy differs, StorageError and StorageFull.
    """
    identity = source.holder.identity()
    if identity is None:
        raise StartError(f"The {source.holder} has no identity: no server has ever used it")
    if target.holder.identity() not in (None, identity):
        raise StartError(f"The {target.holder} belongs to another database: choose an empty one")
    names = dict(source.sizes())
    done = copied = size = 0
    with tempfile.TemporaryDirectory(prefix="wordai-jobs-move-") as folder:
        for name, is_copied in _copied(source, target, names, Path(folder)):
            done += 1
            if is_copied:
                copied += 1
                size += names[name]
            yield Progress(done, len(names), copied, size)
    target.finish()
    target.holder.set_identity(identity)


def _copied(
    source: Place, target: Place, names: dict[str, int], folder: Path
) -> Iterator[tuple[str, bool]]:
    """Each name once it is at the target, and whether it had to be copied."""
    there = dict(target.sizes())

    def copy(name: str) -> tuple[str, bool]:
        if there.get(name) == names[name]:
            return name, False
        read, back = folder / secrets.token_hex(8), folder / secrets.token_hex(8)
        try:
            with translated_full_disk():
                source.read(name, read)
                target.write(name, read)
                target.read(name, back)
            if _sha256(read) != _sha256(back) or read.stat().st_size != names[name]:
                raise StartError(f"The copy of {name} differs: run this again")
        finally:
            read.unlink(missing_ok=True)
            back.unlink(missing_ok=True)
        return name, True

    remaining = iter(names)
    executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="move")
    try:
        running = {executor.submit(copy, name) for name in islice(remaining, 2 * _THREADS)}
        while running:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for each in finished:
                yield each.result()
            running |= {executor.submit(copy, name) for name in islice(remaining, len(finished))}
    finally:
        executor.shutdown(cancel_futures=True)


def _sha256(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def place_at(where: str) -> Iterator[Place]:
    """The place with this path or URL. A data folder is locked, so that no server changes it.

    Raises StartError, DataFolderInUse if a server is using the folder.
    """
    if "://" in where:
        from wordai_jobs.storage.objects.store import ObjectStore

        with closing(ObjectStore(where, _THREADS)) as store:
            yield ObjectPlace(store)
        return
    folder = DataFolder(Path(where))
    folder.create()
    folder.lock.acquire()
    try:
        yield FolderPlace(folder)
    finally:
        folder.lock.release()


class FolderPlace:
    """Implements `Place`."""

    def __init__(self, folder: DataFolder) -> None:
        self.holder: Holder = folder
        self._path = folder.path
        self._staging = folder.staging

    def sizes(self) -> Iterator[tuple[str, int]]:
        for part in _PARTS:
            for path in (self._path / part).rglob("*"):
                if path.is_file() and path.suffix != ".part":
                    yield path.relative_to(self._path).as_posix(), path.stat().st_size

    def read(self, name: str, copy: Path) -> None:
        shutil.copyfile(self._path / name, copy)

    def write(self, name: str, copy: Path) -> None:
        new, path = self._staging / f".{secrets.token_hex(8)}", self._path / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            shutil.copyfile(copy, new)
            os.rename(new, path)
        finally:
            new.unlink(missing_ok=True)

    def finish(self) -> None:
        sync_file_system(self._path)


class ObjectPlace:
    """Implements `Place`."""

    def __init__(self, store: "ObjectStore") -> None:
        from wordai_jobs.storage.objects.storage import StoreHolder

        self.holder: Holder = StoreHolder(store)
        self._store = store

    def sizes(self) -> Iterator[tuple[str, int]]:
        for part in _PARTS:
            for found in self._store.under(f"{part}/"):
                yield found.key, found.size

    def read(self, name: str, copy: Path) -> None:
        self._store.download(name, copy, lambda part: None)

    def write(self, name: str, copy: Path) -> None:
        self._store.put_file(name, copy)

    def finish(self) -> None:
        """Nothing: what is stored survives."""
