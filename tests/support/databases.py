"""Databases on the one server that a run of the tests shares: a server with a database of its own
takes a second to start.
"""

import os
from uuid import uuid4

import pymongo

URI_VARIABLE = "TEST_MONGODB_URI"

_used: list[str] = []


def own_database() -> dict[str, str]:
    """Settings for a database that nothing else uses; none, so the embedded one, where no shared
    server is there.
    """
    uri = os.environ.get(URI_VARIABLE)
    if not uri:
        return {}
    _used.append(f"wordai_test_{uuid4().hex[:16]}")
    return {"mongodb.uri": uri, "mongodb.database": _used[-1]}


def drop_used() -> None:
    """Leave the shared server as it was."""
    if _used:
        with pymongo.MongoClient[dict[str, object]](
            os.environ[URI_VARIABLE], timeoutMS=10_000
        ) as client:
            for name in _used:
                client.drop_database(name)
