"""`python -m benchmarks [PART …]`: measure, and print one section of docs/performance.md.

If BENCH_BEFORE names a clone of an older release, its server is measured in turns with this one:
the speed, processor time and memory of books.
"""

import argparse
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks import (
    fleet,
    footprint,
    images,
    polls,
    rendering,
    search,
    simulation,
    upkeep,
)
from benchmarks.figures import HEADING, Row
from benchmarks.service import BEFORE
from tests.support.server import ROOT

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
    "images": images.images,
    "outage": upkeep.outage,
    "durability": upkeep.durability,
    "upkeep": upkeep.upkeep,
    "search": search.search,
    "fleet": fleet.fleet,
    "simulation": simulation.simulation,
}
_PACKAGES = (
    "flask",
    "waitress",
    "pymongo",
    "pymupdf",
    "pillow",
    "numpy",
    "isal",
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
    compared = f", compared with {_commit(BEFORE)} (before)" if BEFORE else ""
    print(f"## Last run\n\n{date.today()}, commit {_commit(ROOT)}{compared}. {_machine()}\n")
    print(HEADING)
    for part in parts:
        for row in (PARTS | OPTIONAL)[part]():
            print(row, flush=True)
    print(f"\nTook {time.monotonic() - started:.0f} s.")


def _commit(clone: Path) -> str:
    command = ["git", "-C", str(clone), "describe", "--always", "--dirty"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _machine() -> str:
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
