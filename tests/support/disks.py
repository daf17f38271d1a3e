"""A disk with little room."""

import os
from pathlib import Path


def fill(path: Path, leave_bytes: int) -> None:
    """Write a file so large that only `leave_bytes` of its disk are left."""
    stats = os.statvfs(path.parent)
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, stats.f_bavail * stats.f_frsize - leave_bytes)
