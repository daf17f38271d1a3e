"""What the inspector finds in an upload: a PDF with a hostile outline can be read all the same."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.hostile import circular_outline_pdf, deep_outline_pdf, long_outline_pdf
from tests.support.pdfs import guided_pdf, text_pdf
from tests.support.renderers import SETTINGS
from wordai_jobs.errors import InvalidPdf
from wordai_jobs.model.pdf_info import PdfInfo
from wordai_jobs.rendering import fork_server_process, inspector
from wordai_jobs.rendering.fork_client import ForkServer
from wordai_jobs.rendering.inspector import Inspector

Inspect = Callable[[bytes], PdfInfo]


@pytest.fixture(scope="module")
def taken_over() -> Iterator[Inspector]:
    """Its children do what PDFs tell them (see `tests.support.intruder`)."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fork_server_process, "_PROGRAM", "tests.support.intruder")
        fork_server = ForkServer()
        running = Inspector(SETTINGS, fork_server)
        running.start()
        yield running
        running.stop()
        fork_server.stop()


@pytest.fixture
def inspect(taken_over: Inspector, tmp_path: Path) -> Inspect:
    def upload(pdf: bytes) -> PdfInfo:
        path = tmp_path / "a.pdf"
        path.write_bytes(pdf)
        found = taken_over.inspect(path)
        assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"
        return found

    return upload


def test_the_outline_of_an_upload_is_found(inspect: Inspect) -> None:
    found = inspect(guided_pdf())
    assert found.page_count == 45 and found.title == "A guided tour"
    assert found.outline[0].title == "Preface" and found.page_labels
    assert inspect(text_pdf(2)) == PdfInfo(2)


def test_an_upload_that_is_no_pdf_is_logged_as_that(
    inspect: Inspect, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InvalidPdf, match="not a PDF"):
        inspect(b"no PDF")
    assert "inspector: not_a_pdf" in caplog.messages


def test_a_hostile_outline_costs_itself_and_not_its_upload(inspect: Inspect) -> None:
    assert inspect(circular_outline_pdf()) == PdfInfo(1, page_labels=("i",))
    # So deep that the child ends while it reads it.
    assert inspect(deep_outline_pdf(300_000)) == PdfInfo(1)
    assert len(inspect(long_outline_pdf(6000)).outline) == 5000


def test_an_outline_that_takes_too_long_is_left_out(
    inspect: Inspect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspector, "_DESCRIBE_TIMEOUT_S", 0)
    assert inspect(long_outline_pdf(5000)) == PdfInfo(1)


@pytest.mark.parametrize(
    "said",
    [
        "nonsense",
        "{}",
        "[" * 100_000,
        '{"page_count": 2, "title": 3, "outline": [], "page_labels": null}',
        '{"page_count": 2, "outline": [{"title": "a", "level": true, "page_number": 1}]}',
        '{"page_count": 2, "outline": {"title": "a"}}',
    ],
    ids=["no JSON", "no fields", "endless brackets", "a number", "a bool", "an object"],
)
def test_what_a_child_that_was_taken_over_says_is_checked(inspect: Inspect, said: str) -> None:
    assert inspect(text_pdf(2) + f"%intrude say {said}\n".encode()) == PdfInfo(2)


def test_a_child_cannot_change_the_number_of_pages_or_say_too_much(
    inspect: Inspect, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = '{"page_count": 9, "title": "%s", "outline": [], "page_labels": null}' % ("a" * 1000)
    pdf = text_pdf(2) + f"%intrude say {said}\n".encode()
    assert inspect(pdf) == PdfInfo(2, "a" * 300)
    monkeypatch.setattr(inspector, "_MOST_INFO_BYTES", 1000)
    assert inspect(pdf) == PdfInfo(2)
