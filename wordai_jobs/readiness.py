"""Checks what a running server needs of others: the database and the storage."""

from wordai_jobs.database.client import Database
from wordai_jobs.errors import DatabaseError
from wordai_jobs.storage.storage import Storage


def problems(database: Database, storage: Storage) -> list[str]:
    """A message for each of the two that does not work; empty if both do."""
    found = []
    try:
        database.ping()
    except DatabaseError as error:
        found.append(error.message)
    if problem := storage.problem():
        found.append(problem)
    return found
