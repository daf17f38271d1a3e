"""The progress bar: one line, drawn again for each state, as wide as the terminal allows."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wordai_jobs.client.models import Job
from wordai_jobs.model.job import CREATING_PROGRESS, OPENED_PROGRESS, JobStatus

_LABEL_WIDTH = 16
_SHORTEST_BAR = 10
_LONGEST_BAR = 40
_FULL, _EMPTY = "█░"
_ASCII_FULL, _ASCII_EMPTY = "#-"


@dataclass(frozen=True, slots=True)
class State:
    """What a bar shows. The most important of the details comes first."""

    phase: str
    percent: int
    details: tuple[str, ...] = ()


def line(state: State, width: int, encoding: str) -> str:
    """The bar in at most `width` columns of `encoding`, without the details that do not fit."""
    start, end = f"{state.phase:{_LABEL_WIDTH}} ", f" {state.percent:3d} %"
    details = list(state.details)
    while details and len(start) + _SHORTEST_BAR + len(end) + _length(details) > width:
        details.pop()
    room = width - len(start) - len(end) - _length(details)
    if room < _SHORTEST_BAR:
        return f"{state.phase}{end}"[:width]
    bar = _bar(state.percent, min(room, _LONGEST_BAR), encoding)
    return start + bar + end + "".join(f"  {detail}" for detail in details)


def _length(details: Sequence[str]) -> int:
    return sum(len(detail) + 2 for detail in details)


def _bar(percent: int, width: int, encoding: str) -> str:
    full, empty = _FULL, _EMPTY
    try:
        (full + empty).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        full, empty = _ASCII_FULL, _ASCII_EMPTY
    done = width * percent // 100
    return full * done + empty * (width - done)


class Pace:
    """How fast pages are rendered, from the states seen so far."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._first: tuple[float, int] | None = None

    def details(self, done: int, total: int) -> tuple[str, ...]:
        """Pages done, pages per second and time left; the latter two as soon as they are known."""
        pages, now = f"{done}/{total} pages", self._monotonic()
        if self._first is None:
            self._first = now, done
        began_at, began_with = self._first
        if now <= began_at or done <= began_with:
            return (pages,)
        rate = (done - began_with) / (now - began_at)
        return pages, f"{rate:.1f}/s", f"{duration((total - done) / rate)} left"


def job_state(job: Job, pace: Pace) -> State:
    """What the bar shows of a job."""
    return State(_phase(job), job.progress, _details(job, pace))


def _phase(job: Job) -> str:
    match job.status:
        case JobStatus.PENDING:
            return "Waiting"
        case JobStatus.COMPLETED:
            return "Done"
        case JobStatus.FAILED:
            return "Failed"
    if job.progress >= CREATING_PROGRESS:
        return "Creating chapter"
    if job.pages_done:
        return "Rendering"
    return "Opening PDF" if job.progress >= OPENED_PROGRESS else "Fetching PDF"


def _details(job: Job, pace: Pace) -> tuple[str, ...]:
    if job.pages_done:
        return pace.details(job.pages_done.done, job.pages_done.total)
    if job.queue_position:
        return (f"number {job.queue_position} in the queue",)
    return (f"{job.total_pages} pages",) if job.total_pages else ()


def duration(seconds: float) -> str:
    """`8 s`, `2 min 5 s`, `1 h 3 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: int) -> str:
    """`850 kB`, `12.3 MB`: a number of bytes. As in settings, a megabyte is 1024 * 1024 bytes."""
    kilobytes = count / 1024
    return f"{kilobytes / 1024:,.1f} MB" if kilobytes >= 1024 else f"{kilobytes:.0f} kB"
