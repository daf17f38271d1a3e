"""Storage as objects."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from wordai_jobs.errors import StorageError
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.file_cache import FileCache
from wordai_jobs.storage.objects.keys import CHAPTERS, IDENTITY, UPLOADS, chapter_prefix, upload_key
from wordai_jobs.storage.objects.pages import ObjectPages
from wordai_jobs.storage.objects.store import ObjectStore, StoredObject
from wordai_jobs.storage.objects.uploads import ObjectUploads
from wordai_jobs.storage.receiving import remove_unfinished
from wordai_jobs.storage.storage import Holder

# Copies of PDFs and indexes on this machine that nobody uses right now.
_MOST_COPIES_BYTES = 2_000_000_000
# An operator has this long to notice a mistake before objects that no record names are deleted.
_MIN_STRAY_AGE = timedelta(days=1)


class ObjectStorage:
    """Implements `Storage`. The data folder has pages being rendered, and copies of PDFs and
    indexes."""

    def __init__(self, folder: DataFolder, store: ObjectStore, *, is_shared: bool = False) -> None:
        """`is_shared`: servers with other data folders use the same store, and the same database.
        Then a data folder has nothing that another one could not have.
        """
        copies = FileCache(folder.path / "copies", _MOST_COPIES_BYTES)
        self.folder = folder
        self.store = store
        self.uploads = ObjectUploads(store, folder, copies)
        self.pages = ObjectPages(store, folder, copies)
        self.trash = ObjectTrash(store)
        in_store = StoreHolder(store)
        self.holders: Sequence[Holder] = (in_store,) if is_shared else (folder, in_store)
        self._copies = copies
        self._identity: str | None = None

    def identity(self) -> str | None:
        if self._identity is None:
            self._identity = self.holders[-1].identity()
        return self._identity

    def image_origin(self) -> str | None:
        try:
            return self.store.origin
        except StorageError:  # there are no credentials to sign with, for now
            return None

    def problem(self) -> str | None:
        try:
            self.folder.check_writable()
            self.store.ping()
        except OSError as error:
            return f"the data folder cannot be written: {error.strerror}"
        except StorageError as error:
            return error.message
        return None

    def remove_unfinished(self) -> None:
        remove_unfinished(self.folder)
        self.folder.images.load()
        self._copies.load()

    def close(self) -> None:
        self.store.close()


class StoreHolder:
    """Implements `Holder`: all objects below the URL belong to one database."""

    advice = "copy the files there with `wordai-jobs move-storage`, correct storage.url"

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def __str__(self) -> str:
        return f"object store {self._store.url}"

    @property
    def is_empty(self) -> bool:
        return not any(next(self._store.under(part), None) for part in (UPLOADS, CHAPTERS))

    def identity(self) -> str | None:
        stored = self._store.get(IDENTITY)
        return stored.decode("ascii").strip() or None if stored else None

    def set_identity(self, identity: str) -> None:
        self._store.put(IDENTITY, f"{identity}\n".encode())


class ObjectTrash:
    """Implements `Trash`: deletes what is at least a day old, and leaves the rest for later.

    Moving objects to a trash of their own would take as long as a copy. Buckets that keep versions
    keep deleted objects too.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def take_pages(self, chapter_id: str, now: datetime) -> bool:
        return self._take(list(self._store.under(chapter_prefix(chapter_id))), now)

    def take_upload(self, file_id: str, now: datetime) -> bool:
        found = self._store.find(upload_key(file_id))
        return self._take([found] if found else [], now)

    def empty(self, before: datetime) -> None:
        """Nothing: there is no trash."""

    def _take(self, objects: list[StoredObject], now: datetime) -> bool:
        is_old = all(found.changed_at <= now - _MIN_STRAY_AGE for found in objects)
        if objects and is_old:
            self._store.remove(found.key for found in objects)
            return True
        return False
