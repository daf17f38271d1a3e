"""Waiting for a condition, with a deadline. No test sleeps for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Checking twice as often would cost the tests that run at the same time more than it gains.
_SHORTEST_S, _LONGEST_S = 0.05, 0.5
_PART_OF_TIME_PASSED = 0.1


def wait_until(
    condition: Callable[[], T | None],
    timeout_s: float = 30,
    what: str = "the condition",
    interval_s: float | None = None,
) -> T:
    """The first true value of `condition`; fails the test if there is none in time.

    Checks every `interval_s`, or by default less often the longer it takes, so that at most a tenth
    of the time is lost.
    """
    started = time.monotonic()
    while not (value := condition()):
        passed = time.monotonic() - started
        assert passed < timeout_s, f"{what} did not hold within {timeout_s} s"
        time.sleep(interval_s or min(max(passed * _PART_OF_TIME_PASSED, _SHORTEST_S), _LONGEST_S))
    return value
