"""The progress bar fits its terminal and says what is true."""

import pytest

from wordai_jobs.cli.bar import Pace, State, duration, job_state, line
from wordai_jobs.client.models import Job

RENDERING = State("Rendering", 43, ("120/283 pages", "41.2/s", "4 s left"))


def job(
    status: str = "processing", progress: int = 43, message: str = "Processed 120/283 pages..."
) -> Job:
    moment = "2026-02-08T00:10:28.325Z"
    return Job.of(
        {
            "job_id": "j",
            "user_id": "u",
            "status": status,
            "progress": progress,
            "message": message,
            "created_at": moment,
            "updated_at": moment,
        },
        3 if status == "pending" else None,
    )


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "no such encoding"])
def test_a_line_fits_every_width_and_its_encoding(encoding: str) -> None:
    for width in range(1, 200):
        text = line(RENDERING, width, encoding)
        assert len(text) <= width
        if encoding in ("ascii", "latin-1"):
            text.encode(encoding)


def test_details_are_left_out_from_the_last_where_the_terminal_is_narrow() -> None:
    assert (
        line(RENDERING, 79, "ascii")
        == "Rendering        #########--------------  43 %  120/283 pages  41.2/s  4 s left"
    )
    assert (
        line(RENDERING, 60, "ascii")
        == "Rendering        ######--------  43 %  120/283 pages  41.2/s"
    )
    assert line(RENDERING, 40, "utf-8") == "Rendering        ███████░░░░░░░░░░  43 %"
    assert line(RENDERING, 20, "utf-8") == "Rendering  43 %"


def test_the_bar_is_empty_at_first_and_full_only_at_the_end() -> None:
    assert "#" not in line(State("Waiting", 0), 60, "ascii")
    assert "-" in line(State("Creating chapter", 99), 60, "ascii")
    assert "-" not in line(State("Done", 100), 60, "ascii")


def test_rate_and_time_left_come_with_the_second_state_that_differs() -> None:
    times = iter([10.0, 12.0, 14.0])
    pace = Pace(lambda: next(times))
    assert pace.details(20, 100) == ("20/100 pages",)
    assert pace.details(20, 100) == ("20/100 pages",)
    assert pace.details(60, 100) == ("60/100 pages", "10.0/s", "4 s left")


@pytest.mark.parametrize(
    ("status", "progress", "message", "phase"),
    [
        ("pending", 0, "PDF chapter creation job enqueued", "Waiting"),
        ("processing", 0, "Downloading PDF: a.pdf", "Fetching PDF"),
        ("processing", 30, "Extracting pages from PDF...", "Opening PDF"),
        ("processing", 43, "Processed 120/283 pages...", "Rendering"),
        ("processing", 70, "Processed 283 pages. Creating chapter...", "Creating chapter"),
        ("completed", 100, "Chapter created successfully with 283 pages", "Done"),
        ("failed", 43, "PDF processing failed: Out of memory", "Failed"),
    ],
)
def test_every_state_of_a_job_has_a_phase(
    status: str, progress: int, message: str, phase: str
) -> None:
    state = job_state(job(status, progress, message), Pace())
    assert (state.phase, state.percent) == (phase, progress)
    assert state.details == {
        "Waiting": ("number 3 in the queue",),
        "Rendering": ("120/283 pages",),
    }.get(phase, ())


def test_durations_are_read_as_people_say_them() -> None:
    assert [duration(seconds) for seconds in (0.4, 59.4, 125, 3800)] == [
        "0 s",
        "59 s",
        "2 min 5 s",
        "1 h 3 min",
    ]
