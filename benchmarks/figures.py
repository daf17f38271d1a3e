"""Figures with their spread, and the table they are shown in."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, run by run. Shown as its median, lowest and highest."""

    values: tuple[float, ...]
    unit: str = ""

    @classmethod
    def of(cls, values: Sequence[float], unit: str = "") -> "Figure":
        return cls(tuple(values), unit)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        low, high = min(self.values), max(self.values)
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"{_short(self.median)}{unit} ({_short(low)} to {_short(high)}, n={len(self.values)})"
        )


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a figure must keep: at least `limit`, or at most where `at_most`."""

    limit: float
    stretch: float
    at_most: bool = False

    def verdict(self, value: float) -> str:
        if self._holds(value, self.stretch):
            return "stretch"
        return "met" if self._holds(value, self.limit) else "MISSED"

    def _holds(self, value: float, limit: float) -> bool:
        return value <= limit if self.at_most else value >= limit

    def __str__(self) -> str:
        sign = "≤" if self.at_most else "≥"
        return f"{sign} {_short(self.limit)}, stretch {_short(self.stretch)}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `target` where one was set."""

    name: str
    figure: Figure
    target: Target | None = None

    def __str__(self) -> str:
        target = str(self.target) if self.target else ""
        verdict = self.target.verdict(self.figure.median) if self.target else ""
        return f"| {self.name} | {self.figure} | {target} | {verdict} |"


HEADING = "| what | median (lowest to highest) | target | |\n|---|---|---|---|"


def ratios(first: Figure, second: Figure) -> Figure:
    """Run by run, for figures taken side by side."""
    return Figure.of([a / b for a, b in zip(first.values, second.values, strict=True)])


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which so many percent lie, nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _short(value: float) -> str:
    return (
        f"{value:.0f}"
        if abs(value) >= 100
        else f"{value:.1f}"
        if abs(value) >= 10
        else f"{value:.2f}"
    )
