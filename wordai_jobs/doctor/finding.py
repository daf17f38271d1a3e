"""The result of a check."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"  # the server runs nevertheless
    PROBLEM = "problem"  # the server does not run, or not well


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found; `advice` says what to do, if there is something to do."""

    check: str
    level: Level
    detail: str
    advice: str = ""
