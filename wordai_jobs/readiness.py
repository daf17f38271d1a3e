"""Checks the parts of a running server."""

from wordai_jobs.database.client import Database
from wordai_jobs.errors import DatabaseError
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.storage.folder import DataFolder


def problems(database: Database, folder: DataFolder, pool: RenderPool) -> list[str]:
    """A message for each part that does not work; empty if all do."""
    found = []
    try:
        database.ping()
    except DatabaseError as error:
        found.append(error.message)
    try:
        folder.check_writable()
    except OSError as error:
        found.append(f"storage cannot be written: {error.strerror}")
    if pool.ready_count == 0:
        found.append("no page renderer is running")
    return found
