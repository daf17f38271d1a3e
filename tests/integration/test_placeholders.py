"""Pages that cannot be rendered become placeholders, if the job asks for it."""

import json
from pathlib import Path

import pytest

from tests.support.pdfs import CATALOGUE, raw_pdf, stuck_pdf
from tests.support.renderers import (
    DAMAGED,
    NO_MEMORY,
    NO_ROOM,
    NONSENSE,
    SETTINGS,
    TRUE,
    answer_first,
)
from tests.support.waiting import wait_until
from wordai_jobs.model.job import ErrorClass
from wordai_jobs.rendering.fork_client import ForkServer
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.rendering.task import Part, RenderingError


def test_a_page_that_takes_too_long_becomes_a_placeholder_and_the_others_are_rendered(
    fork_server: ForkServer, tmp_path: Path
) -> None:
    stuck, folder = tmp_path / "stuck.pdf", tmp_path / "pages"
    stuck.write_bytes(stuck_pdf(10, 20))
    folder.mkdir()
    settings = SETTINGS.model_copy(update={"page_timeout_s": 1, "processes": 2})
    pool = RenderPool(settings, fork_server)
    pool.start()
    try:
        with pool.rendering(Part(stuck, 21), folder, "placeholder") as task:
            pages = [wait_until(lambda: task.next_page(0.1), what="a page") for _ in range(21)]
    finally:
        pool.stop()
    assert sorted(page.number for page in pages) == list(range(1, 22))
    problems = {page.number: page.problem for page in pages if page.problem}
    assert problems == {11: "Page 11 took longer than 1 s"}
    assert len(list(folder.iterdir())) == 63
    assert json.loads((folder / "00011.json").read_text()) == {"text": "", "words": [], "links": []}
    assert "page 11 of 20" in (folder / "00012.json").read_text()


@pytest.fixture
def square_pdf(tmp_path: Path) -> Path:
    """Two pages of 300 points."""
    path = tmp_path / "square.pdf"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] >>"
    path.write_bytes(
        raw_pdf(CATALOGUE, b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>", page, page)
    )
    return path


@pytest.mark.parametrize(
    ("answers", "problem", "width"),
    [
        ([DAMAGED], "Page 1 is damaged and cannot be rendered", 300),
        ([NO_MEMORY, NO_MEMORY], "Out of memory", 300),
        ([NONSENSE, NONSENSE], "Page 1 crashed the renderer", 300),
        ([NO_MEMORY, NONSENSE], "Page 1 crashed the renderer", 300),
        ([DAMAGED, NONSENSE], "Page 1 is damaged and cannot be rendered", 595),
        ([DAMAGED, NO_MEMORY], "Page 1 is damaged and cannot be rendered", 595),
    ],
    ids=[
        "damaged",
        "twice out of memory",
        "crashed twice",
        "out of memory and crashed",
        "its size cannot be read without a crash",
        "its size takes too much memory",
    ],
)
def test_a_page_that_fails_for_good_becomes_a_placeholder(
    pool: RenderPool,
    square_pdf: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answers: list[bytes | None],
    problem: str,
    width: int,
) -> None:
    answer_first(monkeypatch, answers)
    with pool.rendering(Part(square_pdf, 2), tmp_path, "placeholder") as task:
        first, second = (wait_until(lambda: task.next_page(0.1), what="a page") for _ in range(2))
    assert (first.number, first.problem, first.width) == (1, problem, width)
    assert (second.number, second.problem, second.width) == (2, None, 300)


@pytest.mark.parametrize(
    ("answers", "message", "error_class"),
    [
        ([NO_ROOM], "Storage is full", ErrorClass.STORAGE_FULL),
        ([DAMAGED, NO_ROOM], "Storage is full", ErrorClass.STORAGE_FULL),
        ([DAMAGED, NONSENSE, NONSENSE], "Page 1 is damaged", ErrorClass.BAD_PDF),
        ([NONSENSE, DAMAGED, TRUE, NO_MEMORY, NO_MEMORY], "Page 1 is damaged", ErrorClass.BAD_PDF),
    ],
    ids=[
        "the storage is full",
        "the storage is full for the placeholder",
        "no placeholder can be made",
        "no page can be rendered",
    ],
)
def test_a_book_with_placeholders_fails_all_the_same_if(
    pool: RenderPool,
    square_pdf: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answers: list[bytes | None],
    message: str,
    error_class: ErrorClass,
) -> None:
    answer_first(monkeypatch, answers)
    with (
        pytest.raises(RenderingError, match=message) as raised,
        pool.rendering(Part(square_pdf, 2), tmp_path, "placeholder") as task,
    ):
        wait_until(lambda: task.next_page(0.1) and None, what="the end of the book")
    assert raised.value.error_class is error_class
