"""Checks the parts of a running server."""

from wordai_jobs.database.client import Database
from wordai_jobs.errors import DatabaseError
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.storage.storage import Storage


def problems(database: Database, storage: Storage, pool: RenderPool) -> list[str]:
    """A message for each part that does not work; empty if all do."""
    found = []
    try:
        database.ping()
    except DatabaseError as error:
        found.append(error.message)
    if problem := storage.problem():
        found.append(problem)
    if pool.ready_count == 0:
        found.append("no page renderer is running")
    return found
