"""Databases on one database server that all tests share, because each start takes a second."""

import os
from uuid import uuid4

import pymongo

URI_VARIABLE = "TEST_MONGODB_URI"

_used: list[str] = []


def own_database() -> dict[str, str]:
    """Settings for a database of the test's own; none, for the embedded one, if none is shared."""
    uri = os.environ.get(URI_VARIABLE)
    if not uri:
        return {}
    _used.append(f"wordai_test_{uuid4().hex[:16]}")
    return {"mongodb.uri": uri, "mongodb.database": _used[-1]}


def drop_used() -> None:
    """Leave the shared server as it was."""
    if not _used:
        return
    with pymongo.MongoClient[dict[str, object]](os.environ[URI_VARIABLE], timeoutMS=10_000) as it:
        for name in _used:
            it.drop_database(name)
