"""The progress bar fits its terminal and says what is true."""

import pytest

from wordai_jobs.cli.bar import Pace, State, duration, job_state, line, size
from wordai_jobs.client.models import Job

STATES = [
    ("pending", 0, "PDF chapter creation job enqueued", "Waiting"),
    ("processing", 0, "Downloading PDF: a.pdf", "Fetching PDF"),
    ("processing", 30, "Extracting pages from PDF...", "Opening PDF"),
    ("processing", 43, "Processed 120/283 pages...", "Rendering"),
    ("processing", 70, "Processed 283 pages. Creating chapter...", "Creating chapter"),
    ("completed", 100, "Chapter created successfully with 283 pages", "Done"),
    ("failed", 43, "PDF processing failed: Out of memory", "Failed"),
]
RENDERING = State("Rendering", 43, ("120/283 pages", "41.2/s", "4 s left"))


def job(status: str, progress: int, message: str) -> Job:
    moment = "2026-02-08T00:10:28.325Z"
    body = {"job_id": "j", "user_id": "u", "created_at": moment, "updated_at": moment}
    position = 3 if status == "pending" else None
    return Job.of({**body, "status": status, "progress": progress, "message": message}, position)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "no such encoding"])
def test_a_line_fits_every_width_and_its_encoding(encoding: str) -> None:
    for width in range(1, 200):
        text = line(RENDERING, width, encoding)
        assert len(text) <= width
        if encoding in ("ascii", "latin-1"):
            text.encode(encoding)


@pytest.mark.parametrize(
    ("width", "encoding", "shown"),
    [
        (
            79,
            "ascii",
            "Rendering        #########--------------  43 %  120/283 pages  41.2/s  4 s left",
        ),
        (60, "ascii", "Rendering        ######--------  43 %  120/283 pages  41.2/s"),
        (40, "utf-8", "Rendering        ███████░░░░░░░░░░  43 %"),
        (20, "utf-8", "Rendering  43 %"),
    ],
    ids=["all", "no time left", "no details", "no bar"],
)
def test_a_narrow_terminal_loses_the_last_details_first(
    width: int, encoding: str, shown: str
) -> None:
    assert line(RENDERING, width, encoding) == shown


def test_the_bar_is_empty_at_first_and_full_only_at_the_end() -> None:
    assert "#" not in line(State("Waiting", 0), 60, "ascii")
    assert "-" in line(State("Creating chapter", 99), 60, "ascii")
    assert "-" not in line(State("Done", 100), 60, "ascii")


def test_rate_and_time_left_are_shown_once_the_page_count_has_changed() -> None:
    times = iter([10.0, 12.0, 14.0])
    pace = Pace(lambda: next(times))
    assert pace.details(20, 100) == ("20/100 pages",)
    assert pace.details(20, 100) == ("20/100 pages",)
    assert pace.details(60, 100) == ("60/100 pages", "10.0/s", "4 s left")


@pytest.mark.parametrize(
    ("status", "progress", "message", "phase"),
    STATES,
    ids=[phase for *_, phase in STATES],
)
def test_every_state_of_a_job_has_a_phase(
    status: str, progress: int, message: str, phase: str
) -> None:
    state = job_state(job(status, progress, message), Pace())
    assert (state.phase, state.percent) == (phase, progress)
    details = {"Waiting": ("number 3 in the queue",), "Rendering": ("120/283 pages",)}
    assert state.details == details.get(phase, ())


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0 s"), (59.4, "59 s"), (125, "2 min 5 s"), (3800, "1 h 3 min")],
)
def test_durations_read_as_people_say_them(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(870_400, "850 kB"), (12_897_485, "12.3 MB"), (10_000 * 1024 * 1024, "10,000.0 MB")],
)
def test_sizes_have_the_megabytes_of_the_settings(count: int, shown: str) -> None:
    assert size(count) == shown
