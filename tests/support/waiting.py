"""Waiting for a condition, with a deadline. No test sleeps for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T | None], timeout_s: float = 30, what: str = "the condition", interval_s: float = 0.02,
) -> T:
    """The first true value of `condition`; fails the test where there is none in time."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not hold within {timeout_s} s"
        time.sleep(interval_s)
    return value
