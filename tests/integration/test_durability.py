"""What is acknowledged is on disk, whatever the URI says."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import monitoring

from tests.support.records import upload_of
from wordai_jobs.database.client import Database


class Commands(monitoring.CommandListener):
    """Remembers the commands that the driver sends."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.sent.append(dict(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


@pytest.fixture
def commands() -> Iterator[Commands]:
    listeners = monitoring._LISTENERS.command_listeners
    listener = Commands()
    listeners.append(listener)
    yield listener
    listeners.remove(listener)


def test_writes_are_journaled_and_reads_go_to_the_primary_against_the_uri(
    shared: dict[str, str], commands: Commands
) -> None:
    uri = f"{shared['mongodb.uri']}/?w=1&journal=false&readPreference=secondaryPreferred"
    database = Database(uri, shared["mongodb.database"])
    try:
        database.uploads.insert(upload_of("alice"))
        assert database.uploads.find("file_1")
    finally:
        database.close()
    insert = next(command for command in commands.sent if "insert" in command)
    assert insert["writeConcern"] == {"w": "majority", "j": True}
    find = next(command for command in commands.sent if "find" in command)
    assert find.get("$readPreference", {"mode": "primary"}) == {"mode": "primary"}
