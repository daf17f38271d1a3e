"""Local copies of stored PDFs and indexes, each fetched once for all of this machine."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from wordai_jobs.storage.data_folder import translated_full_disk

_UNFINISHED = ".part"
# How often a job that waits for another one's download checks whether it is cancelled.
_CHECK_INTERVAL_S = 0.25


class LocalCopies:
    """Files of up to `max_bytes` together; the ones that were not used for longest go first.

    A copy that is in use stays, even if that takes more room.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._users: Counter[str] = Counter()
        self._downloading: set[str] = set()
        self._is_too_large = False

    def remove_unfinished(self) -> None:
        """Create the folder, and remove what a dead server was downloading. Only at a start."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for part in self._folder.glob(f"*{_UNFINISHED}"):
            part.unlink(missing_ok=True)

    def add(self, name: str, file: Path) -> None:
        """Move a file in, as the copy with this name."""
        with self._changed:
            os.replace(file, self._folder / name)
            self._make_room()

    def use(
        self, name: str, download: Callable[[Path], None], wait: Callable[[], None]
    ) -> AbstractContextManager[Path]:
        """Have the copy at its place until the returned context ends.

        If there is none, `download` writes it to the path that it gets. While another thread
        downloads it, `wait` is called now and then; both may raise.
        """
        with self._changed:
            while name in self._downloading:
                if not self._changed.wait(_CHECK_INTERVAL_S):
                    wait()
            self._users[name] += 1
            path = self._folder / name
            if path.exists():
                os.utime(path)
                return self._used(name)
            self._downloading.add(name)
        part = self._folder / f"{name}{_UNFINISHED}"
        try:
            with translated_full_disk():
                download(part)
                os.rename(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            self._leave(name)
            raise
        finally:
            with self._changed:
                self._downloading.remove(name)
                self._make_room()
                self._changed.notify_all()
        return self._used(name)

    def remove(self, name: str) -> None:
        """Remove the copy, if there is one. A job that uses it keeps what it has opened."""
        (self._folder / name).unlink(missing_ok=True)

    @contextmanager
    def _used(self, name: str) -> Iterator[Path]:
        try:
            yield self._folder / name
        finally:
            self._leave(name)

    def _leave(self, name: str) -> None:
        with self._changed:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name]
            # Only if copies in use have kept it too large: looking at all of them takes long.
            if self._is_too_large:
                self._make_room()

    def _make_room(self) -> None:
        with os.scandir(self._folder) as entries:
            copies = [
                (entry.stat().st_mtime, entry.stat().st_size, entry.name)
                for entry in entries
                if not entry.name.endswith(_UNFINISHED)
            ]
        total = sum(size for _, size, _ in copies)
        for _, size, name in sorted(copies):
            if total <= self._max_bytes:
                break
            if name not in self._users:
                self.remove(name)
                total -= size
        self._is_too_large = total > self._max_bytes
