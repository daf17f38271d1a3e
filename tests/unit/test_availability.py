"""Requests tell a database that is away from one that is only slow."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.support.waiting import wait_until
from wordai_jobs.availability import Availability, handles_request
from wordai_jobs.errors import DatabaseAway

SLOTS = 2


class Database:
    """Operations begin and do not end until `may_end` is set; it responds to pings or not."""

    def __init__(self) -> None:
        self.is_away = False
        self.may_end = threading.Event()
        self.begun = 0
        self.availability = Availability("the database", DatabaseAway, self.ping, SLOTS)

    def ping(self) -> None:
        if self.is_away:
            raise DatabaseAway

    def request(self) -> str:
        with handling_a_request():
            return self.operation()

    def operation(self) -> str:
        try:
            with self.availability.operation():
                self.begun += 1
                self.may_end.wait(30)
                return "done"
        except DatabaseAway:
            return "refused"


@contextmanager
def handling_a_request() -> Iterator[None]:
    token = handles_request.set(True)
    try:
        yield
    finally:
        handles_request.reset(token)


@pytest.fixture
def database() -> Iterator[Database]:
    made = Database()
    yield made
    made.may_end.set()
    made.availability.close()


def test_requests_wait_for_a_database_that_is_only_slow(database: Database) -> None:
    with ThreadPoolExecutor(SLOTS + 3) as threads:
        requests = [threads.submit(database.request) for _ in range(SLOTS + 3)]
        wait_until(lambda: database.begun == SLOTS)
        threading.Event().wait(0.8)  # longer than the patience of those that wait
        assert not any(request.done() for request in requests)
        database.may_end.set()
        assert [request.result() for request in requests] == ["done"] * (SLOTS + 3)


@pytest.mark.parametrize("kind", ["request", "operation"])
def test_a_database_that_is_away_is_refused_at_once_until_it_is_back(
    database: Database, kind: str
) -> None:
    database.is_away = True
    later: Callable[[], str] = getattr(database, kind)
    with ThreadPoolExecutor(SLOTS + 3) as threads:
        first = [threads.submit(database.request) for _ in range(SLOTS + 3)]
        wait_until(lambda: sum(request.done() for request in first) == 3)
        assert later() == "refused"
        database.is_away = False
        database.may_end.set()
        wait_until(lambda: later() == "done")
        assert sorted(request.result() for request in first) == ["done"] * SLOTS + ["refused"] * 3
