"""Figures with their spread, and the rows of the table that shows them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """The measured values, one per run. Shown as their median, lowest and highest."""

    values: tuple[float, ...]
    unit: str = ""

    @classmethod
    def of(cls, values: Sequence[float], unit: str = "") -> "Figure":
        return cls(tuple(values), unit)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        median, low, high = map(_short, (self.median, min(self.values), max(self.values)))
        unit = f" {self.unit}" if self.unit else ""
        return f"{median}{unit} ({low} to {high}, n={len(self.values)})"


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a figure must keep: at least `limit`, or at most if `at_most`."""

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
    """One line of the table, with a target if the figure has one."""

    name: str
    figure: Figure
    target: Target | None = None

    def __str__(self) -> str:
        target = str(self.target) if self.target else ""
        verdict = self.target.verdict(self.figure.median) if self.target else ""
        return f"| {self.name} | {self.figure} | {target} | {verdict} |"


HEADING = "| what | median (lowest to highest) | target | |\n|---|---|---|---|"


def ratio(
    name: str, first: Figure, other_name: str, other: Figure, target: Target | None = None
) -> Row:
    """The ratio of two figures that were measured in turns, run by run. One of them may have been
    measured in the first runs only.
    """
    by_run = [a / b for a, b in zip(first.values, other.values, strict=False)]
    size = f"{_short(other.median)} {other.unit}".strip()
    return Row(f"{name} / {other_name} ({size})", Figure.of(by_run), target)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` % of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _short(value: float) -> str:
    """Three significant digits, or all digits before the point."""
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{decimals}f}"
