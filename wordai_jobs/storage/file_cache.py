"""Files that can be made again, such as local copies of PDFs: each is made once for all who need it
now, and kept for the next one.
"""

import os
import shutil
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

UNFINISHED = ".part"
# How often somebody who waits for a file that another one makes checks whether to go on waiting.
_CHECK_INTERVAL_S = 0.25


class FileCache:
    """Files of up to `max_bytes` together; the ones that were not used for longest go first.

    A file that is in use stays, even if that takes more room.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        # The one that was not used for longest comes first.
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._users: Counter[str] = Counter()
        self._being_made: set[str] = set()

    def load(self) -> None:
        """Create the folder, or find what is in it, and remove what a dead server was making. Only
        at a start.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        found = []
        for path in self._folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.suffix == UNFINISHED:
                path.unlink()
            else:
                found.append((path.stat().st_mtime, path.name, path.stat().st_size))
        with self._changed:
            self._sizes = OrderedDict((name, size) for _, name, size in sorted(found))
            self._make_room()

    def __contains__(self, name: str) -> bool:
        return (self._folder / name).exists()

    @property
    def names(self) -> list[str]:
        with self._changed:
            return list(self._sizes)

    def add(self, name: str, file: Path) -> None:
        """Move a file in, under this name."""
        with self._changed:
            os.replace(file, self._folder / name)
            self._added(name)
            self._make_room()

    def use(
        self, name: str, make: Callable[[Path], None], wait: Callable[[], None]
    ) -> AbstractContextManager[Path]:
        """Have the file at its place until the returned context ends.

        If there is none, `make` writes it to the path that it gets. While another thread makes it,
        `wait` is called now and then; both may raise.
        """
        with self._changed:
            while name in self._being_made:
                if not self._changed.wait(_CHECK_INTERVAL_S):
                    wait()
            self._users[name] += 1
            if name in self:
                self._added(name)
                return self._used(name)
            self._being_made.add(name)
        part = self._folder / f"{name}{UNFINISHED}"
        try:
            make(part)
            os.rename(part, self._folder / name)
            with self._changed:
                self._added(name)
                self._make_room()
        except BaseException:
            part.unlink(missing_ok=True)
            self._leave(name)
            raise
        finally:
            with self._changed:
                self._being_made.remove(name)
                self._changed.notify_all()
        return self._used(name)

    def remove(self, prefix: str) -> None:
        """Remove the files whose names begin like this. Who uses one keeps what was opened.

        It looks into the folder: commands remove files beside a running server.
        """
        with self._changed, suppress(FileNotFoundError):  # no server has ever used the folder
            for name in os.listdir(self._folder):
                if name.startswith(prefix) and not name.endswith(UNFINISHED):
                    self._remove(name)

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
            self._make_room()

    def _added(self, name: str) -> None:
        """It is there, and the one that was used last."""
        with suppress(FileNotFoundError):  # it has just been removed
            self._sizes[name] = (self._folder / name).stat().st_size
            self._sizes.move_to_end(name)

    def _make_room(self) -> None:
        surplus = sum(self._sizes.values()) - self._max_bytes
        while surplus > 0:
            unused = (name for name in self._sizes if name not in self._users)
            name = next(unused, None)
            if name is None:
                return
            surplus -= self._sizes[name]
            self._remove(name)

    def _remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)
        self._sizes.pop(name, None)
