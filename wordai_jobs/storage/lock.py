"""The lock on a data folder: only one server uses a folder at a time."""

import fcntl
import time
from pathlib import Path
from typing import IO

from wordai_jobs.errors import DataFolderInUse

# After a kill -9 of the server, its embedded database takes a moment to end too.
_TIMEOUT_S = 3.0
_RETRY_S = 0.05


class FolderLock:
    """A lock that the kernel releases when the processes that hold it have ended, however they end.

    The embedded database inherits the lock, so the folder stays locked until it has ended too. A
    process that is stopped (SIGSTOP) still holds the lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def acquire(self) -> None:
        """Does nothing if the lock is held. Raises DataFolderInUse if another process holds it."""
        if self._file:
            return
        file = open(self._path, "ab")
        deadline = time.monotonic() + _TIMEOUT_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    file.close()
                    raise DataFolderInUse(self._path.parent) from error
                time.sleep(_RETRY_S)
        self._file = file

    def release(self) -> None:
        """Does nothing if the lock is not held."""
        if self._file:
            self._file.close()
            self._file = None

    def fileno(self) -> int:
        """The descriptor that holds the lock, for a child process to inherit."""
        assert self._file, "the lock is not held"
        return self._file.fileno()
