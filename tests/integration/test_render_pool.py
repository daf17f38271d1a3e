"""The render pool alone, with real children that hang, cannot start, or send garbage."""

import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.disks import fill
from tests.support.pdfs import hanging_pdf, pictures_pdf, text_pdf
from tests.support.processes import kill, memory_kb
from tests.support.renderers import GARBAGE, NONSENSE, SETTINGS, own_children, rendered, take_over
from tests.support.waiting import wait_until
from wordai_jobs.model.job import ErrorClass
from wordai_jobs.rendering import protocol
from wordai_jobs.rendering.child_process import ChildProcess
from wordai_jobs.rendering.fork_client import ForkServer
from wordai_jobs.rendering.forked_process import ForkedProcess
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.rendering.protocol import Failed, Failure
from wordai_jobs.rendering.task import FolderGone, Part, RenderingError, RenderTask
from wordai_jobs.rendering.turns import WaitingChildren

BLOCK = 4096


def children() -> list[int]:
    return own_children("renderer")


def kill_all() -> None:
    """The children, and the process that would fork more."""
    for pid in own_children("renderer", "fork server"):
        kill(pid)


def test_a_book_can_be_given_up_while_no_child_can_be_started(
    pool: RenderPool,
    pdf: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", str(tmp_path / "no such program"))
        kill_all()
        with pool.rendering(Part(pdf, 3), tmp_path, "fail") as task:
            assert task.next_page(0.5) is None
            given_up_at = time.monotonic()
        assert time.monotonic() - given_up_at < 10, "leaving waits for the child that holds a chunk"
    assert rendered(pool, pdf, tmp_path / "later") == 3, "children start again once they can"


def test_giving_up_a_book_at_a_page_that_hangs_costs_its_child_and_writes_no_more(
    pool: RenderPool,
    pdf: Path,
    tmp_path: Path,
) -> None:
    before, hanging, folder = children(), tmp_path / "hangs.pdf", tmp_path / "pages"
    hanging.write_bytes(hanging_pdf())
    folder.mkdir()
    with pool.rendering(Part(hanging, 1), folder, "fail") as task:
        assert task.next_page(0.5) is None
    assert [path.stat().st_size for path in folder.iterdir()] == [0, 0, 0]
    assert rendered(pool, pdf, tmp_path / "later") == 3
    assert children() != before


def test_a_child_forgets_pictures_before_they_take_too_much_memory(
    pool: RenderPool, tmp_path: Path
) -> None:
    pdf, folder = tmp_path / "pictures.pdf", tmp_path / "pages"
    pdf.write_bytes(pictures_pdf(25))
    folder.mkdir()
    with pool.rendering(Part(pdf, 25, dpi=140), folder, "fail") as task:
        for _ in range(25):
            wait_until(lambda: task.next_page(0.1), what="a page")
        peak_mb = max(memory_kb(pid, peak=True) for pid in children()) / 1024
    assert 100 < peak_mb < 240, "with all pictures it would be more than 300 MB"


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
def test_a_child_that_sends_garbage_fails_its_book_and_not_the_pool(
    pool: RenderPool,
    pdf: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
) -> None:
    """As a hostile PDF that has taken over its child could make it do."""
    folder = tmp_path / "pages"
    folder.mkdir()
    with monkeypatch.context() as taken_over:
        take_over(taken_over, answer)
        with (
            pytest.raises(RenderingError, match="Page 1 crashed the renderer") as raised,
            pool.rendering(Part(pdf, 3), folder, "fail") as task,
        ):
            wait_until(lambda: task.next_page(0.1), what="the end of the book")
    assert raised.value.error_class is ErrorClass.RENDERER_CRASH
    assert rendered(pool, pdf, tmp_path / "later") == 3


def test_a_child_that_sends_garbage_has_ended_before_its_page_is_tried_again(
    pool: RenderPool, pdf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may still write into the files that the next child is about to write."""
    left, page_failed = [], RenderTask.page_failed

    def look_and_fail(task: RenderTask, *args: Any, **options: Any) -> None:
        left.append(children())
        page_failed(task, *args, **options)

    monkeypatch.setattr(RenderTask, "page_failed", look_and_fail)
    take_over(monkeypatch, NONSENSE)
    with (
        pool.rendering(Part(pdf, 3), tmp_path, "fail") as task,
        pytest.raises(RenderingError, match="Page 1 crashed the renderer"),
    ):
        wait_until(lambda: task.next_page(0.1), what="the end of the book")
    assert left == [[], []]


@pytest.mark.parametrize("failure", Failure)
def test_a_failure_of_a_child_fails_its_book_with_a_message_and_a_class(
    pool: RenderPool,
    pdf: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: Failure,
) -> None:
    bad_page = "Page 1 is damaged and cannot be rendered"
    take_over(monkeypatch, protocol.encode(Failed(failure)))
    with (
        pytest.raises(RenderingError) as raised,
        pool.rendering(Part(pdf, 3), tmp_path, "fail") as task,
    ):
        wait_until(lambda: task.next_page(0.1), what="the end of the book")
    message = bad_page if failure is Failure.BAD_PAGE else failure.message
    assert (str(raised.value), raised.value.error_class) == (message, failure.error_class)


def test_a_page_that_takes_too_long_fails_its_book_with_a_message_and_a_class(
    fork_server: ForkServer, tmp_path: Path
) -> None:
    hanging = tmp_path / "hangs.pdf"
    hanging.write_bytes(hanging_pdf())
    pool = RenderPool(SETTINGS.model_copy(update={"page_timeout_s": 1}), fork_server)
    pool.start()
    try:
        with (
            pytest.raises(RenderingError, match="Page 1 took longer than 1 s") as raised,
            pool.rendering(Part(hanging, 1), tmp_path, "fail") as task,
        ):
            wait_until(lambda: task.next_page(0.1), what="the end of the book")
        assert raised.value.error_class is ErrorClass.PAGE_TIMEOUT
    finally:
        pool.stop()


@pytest.mark.parametrize("ends_badly", [False, True], ids=["one", "and another as its child ends"])
def test_an_unexpected_error_fails_its_book_and_not_the_pool(
    pool: RenderPool,
    pdf: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ends_badly: bool,
) -> None:
    kill = ForkedProcess.kill

    def fail(*args: object) -> None:
        raise RuntimeError("a bug")

    def kill_and_fail(process: ForkedProcess) -> None:
        kill(process)
        fail()

    folder = tmp_path / "pages"
    folder.mkdir()
    with monkeypatch.context() as broken:
        broken.setattr(ChildProcess, "send", fail)
        if ends_badly:
            broken.setattr(ForkedProcess, "kill", kill_and_fail)
        with (
            pytest.raises(RenderingError, match="Internal error") as raised,
            pool.rendering(Part(pdf, 3), folder, "fail") as task,
        ):
            wait_until(lambda: task.next_page(0.1), what="the end of the book")
    assert raised.value.error_class is ErrorClass.OTHER
    assert rendered(pool, pdf, tmp_path / "later") == 3


def test_a_book_whose_folder_is_removed_is_given_up_without_a_traceback(
    pool: RenderPool, pdf: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As happens in a fleet if another task has ended the job."""
    caplog.set_level("INFO")
    with (
        pytest.raises(FolderGone),
        pool.rendering(Part(pdf, 3), tmp_path / "removed", "fail") as task,
    ):
        wait_until(lambda: task.next_page(0.1), what="the end of the book")
    assert "page 1 of a.pdf is not wanted any more: its folder was removed" in caplog.messages
    assert not any(record.exc_info for record in caplog.records)
    assert rendered(pool, pdf, tmp_path / "later") == 3


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
def test_a_page_on_a_full_disk_is_whole_or_its_book_fails(
    fork_server: ForkServer, small_disk: Path, tmp_path: Path, image_format: str
) -> None:
    """With every room from too little for anything to enough for all, a block at a time."""
    pdf, filler = tmp_path / "a.pdf", small_disk / "filler"
    pdf.write_bytes(text_pdf(1))
    pool = RenderPool(SETTINGS.model_copy(update={"format": image_format}), fork_server)
    pool.start()

    def outcome(folder: Path) -> str:
        folder.mkdir()
        try:
            with pool.rendering(Part(pdf, 1), folder, "fail") as task:
                wait_until(lambda: task.next_page(0.1), what="the page")
        except RenderingError as error:
            return str(error)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == expected
        return "whole"

    try:
        whole = tmp_path / "whole"
        rendered(pool, pdf, whole, pages=1)
        expected = {path.name: path.read_bytes() for path in whole.iterdir()}
        outcomes = []
        for leave_bytes in range(0, sum(map(len, expected.values())) + 4 * BLOCK, BLOCK):
            fill(filler, leave_bytes)
            outcomes.append(outcome(small_disk / f"{leave_bytes}"))
            filler.unlink()
            shutil.rmtree(small_disk / f"{leave_bytes}")
    finally:
        pool.stop()
    assert set(outcomes) == {"whole", "Storage is full"}
    assert outcomes == sorted(outcomes), "more room never does worse"


def test_a_book_keeps_its_child_while_other_books_have_their_turn_and_takes_it_along(
    pool: RenderPool, tmp_path: Path
) -> None:
    books = [tmp_path / name for name in ("a.pdf", "b.pdf")]
    for book in books:
        book.write_bytes(text_pdf(24))
        book.with_suffix("").mkdir()
    before = children()
    with (
        pool.rendering(Part(books[0], 24), tmp_path / "a", "fail") as first,
        pool.rendering(Part(books[1], 24), tmp_path / "b", "fail") as second,
    ):
        seen: set[int] = set()
        for task in (first, second) * 24:
            wait_until(lambda: task.next_page(0.1), what="a page")
            seen.update(children())
        assert before[0] in seen, "the child that was ready took the first book"
        assert len(seen) == 3, "one for each book, and one for the next"
    assert len(wait_until(children, what="the child for the next book")) == 1
    assert children()[0] not in before


def test_the_tasks_of_a_book_follow_one_another(pool: RenderPool, pdf: Path) -> None:
    pdf.write_bytes(text_pdf(48))
    folder = pdf.with_suffix("")
    folder.mkdir()
    part = Part(pdf, 48)
    with (
        pool.rendering(part, folder, "fail", range(1, 33)) as first,
        pool.rendering(part, folder, "fail", range(33, 49)) as second,
    ):
        wait_until(lambda: second.next_page(0.1), what="a page of the second task")
        pages = [first.next_page(0) for _ in range(32)]
    assert [page and page.number for page in pages] == list(range(1, 33))


def test_a_book_ends_after_a_child_of_it_that_is_being_ended_for_another_book(
    fork_server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, is_being_ended = WaitingChildren(1), threading.Event()
    one, other = (ChildProcess(f"renderer {number}", SETTINGS, fork_server) for number in (8, 9))
    one.start()
    kill_it = one.kill

    def kill_slowly() -> None:
        is_being_ended.set()
        time.sleep(0.2)
        kill_it()

    monkeypatch.setattr(one, "kill", kill_slowly)
    waiting.add(Path("one"), one)
    adding = threading.Thread(target=waiting.add, args=(Path("other"), other))
    adding.start()
    assert is_being_ended.wait(30)
    waiting.end(Path("one"))
    assert not one.is_running
    adding.join()
