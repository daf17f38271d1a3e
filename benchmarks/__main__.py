"""`python -m benchmarks [PART …]`: measure, and print one table."""

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from benchmarks import footprint, polls, rendering, upkeep
from benchmarks.figures import HEADING, Row

PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "books": rendering.books,
    "many": rendering.many,
    "polls": polls.throughput,
    "latency": polls.latency,
    "enqueue": footprint.enqueue,
    "memory": footprint.memory,
    "start": footprint.start,
}
# Measured only if they are named: they take long, and change seldom.
OPTIONAL: dict[str, Callable[[], Iterator[Row]]] = {
    "outage": upkeep.outage,
    "durability": upkeep.durability,
    "upkeep": upkeep.upkeep,
}
_PACKAGES = (
    "flask",
    "waitress",
    "pymongo",
    "pymupdf",
    "pillow",
    "orjson",
    "firebase-admin",
    "SecantusDB",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the service. Nothing else should run on the machine.",
    )
    parser.add_argument(
        "parts",
        nargs="*",
        choices=[*PARTS, *OPTIONAL, []],
        help=f"{', '.join(PARTS)} (all of these if none is named), {', '.join(OPTIONAL)}",
    )
    parts = parser.parse_args().parts or list(PARTS)
    started = time.monotonic()
    print(f"{machine()}\n\n{HEADING}")
    for part in parts:
        for row in (PARTS | OPTIONAL)[part]():
            print(row, flush=True)
    print(f"\nTook {time.monotonic() - started:.0f} s.")


def machine() -> str:
    """Processor, cores, and the versions that matter."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")),
        platform.machine(),
    )
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    machine = f"{model}, {len(os.sched_getaffinity(0))} cores, Linux {platform.release()}"
    return f"{machine}; Python {platform.python_version()}, {packages}."


if __name__ == "__main__":
    main()
