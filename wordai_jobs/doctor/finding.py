"""What a check has found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"  # the server runs all the same
    PROBLEM = "problem"  # it does not, or not well


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing is; `advice` says what to do, where there is something."""

    check: str
    level: Level
    detail: str
    advice: str = ""
