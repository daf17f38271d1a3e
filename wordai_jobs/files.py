"""Writes files so that they survive a power cut."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path


def write_secret(path: Path, text: str) -> None:
    """Create or replace a file, in one step, that only its owner can read."""
    new = path.with_name(path.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    fsync_folder(path.parent)


@contextmanager
def syncing(sync: Callable[[], None]) -> Iterator[None]:
    """Have `sync` done while the caller does something else. Raises what it raises."""
    with ThreadPoolExecutor(1, thread_name_prefix="sync") as thread:
        synced = thread.submit(sync)
        yield
        synced.result()


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, but not the contents of its files."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
