"""Writes files so that they survive a power cut."""

import os
from collections.abc import Iterator
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
def fsyncing(path: Path) -> Iterator[None]:
    """Make a file survive a power cut while the caller does something else with it."""
    with open(path, "rb") as file, ThreadPoolExecutor(1, thread_name_prefix="fsync") as thread:
        synced = thread.submit(os.fsync, file.fileno())
        yield
        synced.result()


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, but not the contents of its files."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
