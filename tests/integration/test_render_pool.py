"""The render pool alone, with real children that cannot start, or send garbage."""

import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.support.disks import fill
from tests.support.pdfs import CATALOGUE, hanging_pdf, raw_pdf, stuck_pdf, text_pdf
from tests.support.processes import descendants, kill, name, named
from tests.support.waiting import wait_until
from wordai_jobs.config import RenderingSettings
from wordai_jobs.errors import Busy, InvalidPdf
from wordai_jobs.model.job import ErrorClass
from wordai_jobs.rendering import child_process, fork_client, protocol
from wordai_jobs.rendering.child_process import ChildProcess
from wordai_jobs.rendering.fork_client import ChildEnded, ForkServer
from wordai_jobs.rendering.inspector import Inspector
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.rendering.protocol import Failed, Failure, InspectPdf, PageCount
from wordai_jobs.rendering.task import FolderGone, Part, RenderingError

SETTINGS = RenderingSettings(processes=1, dpi=72, max_pixels=1_000_000)
BLOCK = 4096


@pytest.fixture(scope="module")
def shared_fork_server() -> Iterator[ForkServer]:
    running = ForkServer()
    yield running
    running.stop()


@pytest.fixture
def fork_server(shared_fork_server: ForkServer) -> ForkServer:
    """Runs until a test kills it: this thread, and none of a pool, has started it."""
    first = ChildProcess("a first child", 512, shared_fork_server)
    first.start()
    first.kill()
    return shared_fork_server


@pytest.fixture
def pool(fork_server: ForkServer) -> Iterator[RenderPool]:
    running = RenderPool(SETTINGS, fork_server)
    running.start()
    wait_until(lambda: running.ready_count == 1, what="a child")
    yield running
    running.stop()


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "a.pdf"
    path.write_bytes(text_pdf(3))
    return path


def own(*names: str) -> list[int]:
    """Our child processes with such names, without those of servers that other tests started."""
    me = os.getpid()
    others = [it.pid for it in psutil.Process().children() if name(it.pid) != "fork server"]
    theirs = {each for pid in others for each in descendants(pid)}
    return [pid for pid in named(me, *names) if pid not in theirs]


def children() -> list[int]:
    return own("renderer")


def kill_all() -> None:
    """The children, and the process that would fork more."""
    for pid in own("renderer", "fork server"):
        kill(pid)


def rendered(pool: RenderPool, pdf: Path, folder: Path, pages: int = 3) -> int:
    folder.mkdir()
    with pool.rendering(Part(pdf, pages), folder, "fail") as task:
        found = [wait_until(lambda: task.next_page(0.1), what="a page") for _ in range(pages)]
    return len(found)


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


GARBAGE = {
    "an infinite width": b'["PageRendered", {"width": 1e999, "height": 9, "ending": ".png"}]',
    "no width": b'["PageRendered", {"height": 9, "ending": ".png"}]',
    "a width of another type": b'["PageRendered", {"width": {}, "height": 9, "ending": ".png"}]',
    "a path": b'["PageRendered", {"width": 9, "height": 9, "ending": "/../../secret_key"}]',
    "no pages": b'["PageCount", {"page_count": 0}]',
    "a count that is true": b'["PageCount", {"page_count": true}]',
    "a failure of another type": b'["Failed", {"failure": []}]',
    "an unknown failure": b'["Failed", {"failure": "BAD_LUCK"}]',
    "an answer of the fork server": b'["Forked", {"pid": 1}]',
    "endless brackets": b"[" * 60_000,
    "no text": b"\xff",
    "a number": b"17",
}
each_garbage = pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)


@each_garbage
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


def test_an_unexpected_error_fails_its_book_and_not_the_pool(
    pool: RenderPool,
    pdf: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def send(child: ChildProcess, request: object, descriptors: object) -> None:
        raise RuntimeError("a bug")

    folder = tmp_path / "pages"
    folder.mkdir()
    with monkeypatch.context() as broken:
        broken.setattr(ChildProcess, "send", send)
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


def test_the_child_of_an_upload_opens_no_other(fork_server: ForkServer, pdf: Path) -> None:
    inspector = Inspector(memory_limit_mb=512, fork_server=fork_server)
    inspector.start()
    seen = set()
    try:
        for _ in range(3):
            seen.add(wait_until(lambda: own("inspector") or None, what="an inspector")[0])
            assert inspector.inspect(pdf).page_count == 3
            wait_until(lambda: not set(own("inspector")) & seen, what="its end")
    finally:
        inspector.stop()
    assert len(seen) == 3


DAMAGED = protocol.encode(Failed(Failure.BAD_PAGE))
NO_MEMORY = protocol.encode(Failed(Failure.OUT_OF_MEMORY))
NO_ROOM = protocol.encode(Failed(Failure.STORAGE_FULL))
NONSENSE = b"nonsense"
TRUE = None  # the child's own answer


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


def answer_first(children: pytest.MonkeyPatch, answers: list[bytes | None]) -> None:
    """The server receives these instead of the children's first answers."""
    left = iter(answers)

    def decode(data: bytes, *kinds: type[PageCount]) -> object:
        return protocol.decode(data if b"Ready" in data else next(left, TRUE) or data, *kinds)

    children.setattr(child_process, "decode", decode)


def take_over(children: pytest.MonkeyPatch, answer: bytes) -> None:
    """Whatever a child answers to a request, the server receives this."""

    def decode(data: bytes, *kinds: type[PageCount]) -> object:
        return protocol.decode(data if b"Ready" in data else answer, *kinds)

    children.setattr(child_process, "decode", decode)


@each_garbage
def test_an_inspector_that_sends_garbage_refuses_the_upload_and_is_replaced(
    fork_server: ForkServer,
    pdf: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
) -> None:
    inspector = Inspector(memory_limit_mb=512, fork_server=fork_server)
    inspector.start()
    try:
        with monkeypatch.context() as taken_over:
            take_over(taken_over, answer)
            with pytest.raises(InvalidPdf, match="damaged"):
                inspector.inspect(pdf)
        assert inspector.inspect(pdf).page_count == 3
    finally:
        inspector.stop()


def test_an_upload_is_not_to_blame_if_no_inspector_can_be_started(
    pdf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork_server = ForkServer()
    inspector = Inspector(memory_limit_mb=512, fork_server=fork_server)
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", str(tmp_path / "no such program"))
        inspector.start()
        with pytest.raises(Busy, match="try again soon"):
            inspector.inspect(pdf)
    try:
        assert inspector.inspect(pdf).page_count == 3
    finally:
        inspector.stop()
        fork_server.stop()


def test_a_child_that_cannot_be_started_is_an_error_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no such program"))
    with pytest.raises(ChildEnded, match="renderer 1 could not be started"):
        ChildProcess("renderer 1", 512, ForkServer()).start()


def test_a_child_that_fails_on_its_way_is_an_error_and_its_siblings_go_on(
    fork_server: ForkServer,
    pool: RenderPool,
    pdf: Path,
    tmp_path: Path,
) -> None:
    before = children()
    with pytest.raises(ChildEnded, match="exited with 1"):
        # More memory than the kernel has a number for.
        ChildProcess("renderer 2", 2**60, fork_server).start()
    assert children() == before
    assert rendered(pool, pdf, tmp_path / "later") == 3


def test_a_server_that_is_out_of_descriptors_gets_no_child_and_loses_none(
    fork_server: ForkServer,
) -> None:
    """However many file descriptors are free, there is a child, or an error with a message."""
    child = ChildProcess("renderer 1", 512, fork_server)
    outcomes = []
    for room in range(14):
        fork_server_of_its_own = ForkServer()
        other = ChildProcess("renderer 2", 512, fork_server_of_its_own)
        child.start()
        before = descriptors()
        child.kill()
        for one in (child, other):
            with room_for_descriptors(room):
                outcomes.append(is_started(one))
        other.kill()
        fork_server_of_its_own.stop()
        child.start()
        assert descriptors() == before and len(own("renderer 1")) == 1, room
    child.kill()
    assert set(outcomes) == {True, False}


def is_started(child: ChildProcess) -> bool:
    try:
        child.start()
        return True
    except ChildEnded:
        return False


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@contextmanager
def room_for_descriptors(room: int) -> Iterator[None]:
    """This process can open this many more descriptors."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 32, before[1])
    )
    taken: list[int] = []
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(min(room, len(taken))):
            os.close(taken.pop())
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for descriptor in taken:
            os.close(descriptor)


def test_a_worn_fork_server_is_replaced_and_its_children_work_on_until_they_end(
    pdf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_client, "_MOST_CHILDREN", 3)
    others, fork_server = set(own("fork server")), ForkServer()

    def fork_servers() -> list[int]:
        return [pid for pid in own("fork server") if pid not in others]

    first, other = (ChildProcess(f"renderer {number}", 512, fork_server) for number in (1, 2))
    try:
        first.start()
        [worn] = fork_servers()
        for _ in range(2):
            other.start()
        wait_until(lambda: len(fork_servers()) == 2, what="the next fork server")
        assert page_count(first, pdf) == page_count(other, pdf) == PageCount(3)
        wait_until(lambda: parent_of_new(other) != worn, what="its first child")
        assert worn in fork_servers(), "it has a child"
        first.kill()
        wait_until(lambda: worn not in fork_servers(), what="its end")
        assert page_count(other, pdf) == PageCount(3)
    finally:
        first.kill()
        other.kill()
        fork_server.stop()
    assert own("renderer") == fork_servers() == []


def test_idle_children_of_a_worn_fork_server_are_replaced_with_it(
    pdf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_client, "_MOST_CHILDREN", 3)
    others, fork_server = set(own("fork server")), ForkServer()
    pool, inspector = RenderPool(SETTINGS, fork_server), Inspector(512, fork_server)
    another = ChildProcess("renderer 2", 512, fork_server)
    try:
        pool.start()
        inspector.start()
        wait_until(lambda: len(own("renderer 1", "inspector")) == 2, what="the children")
        [worn] = set(own("fork server")) - others
        another.start()
        another.kill()
        wait_until(lambda: worn not in own("fork server"), what="its end")
        wait_until(lambda: len(own("renderer 1", "inspector")) == 2, what="the new children")
        assert inspector.inspect(pdf).page_count == 3
    finally:
        pool.stop()
        inspector.stop()
        fork_server.stop()


def parent_of_new(child: ChildProcess) -> int:
    child.start()
    return psutil.Process(own(child.name)[0]).ppid()


def page_count(child: ChildProcess, pdf: Path) -> PageCount | Failed:
    with open(pdf, "rb") as content:
        child.send(InspectPdf(), [content.fileno()])
    return child.receive(PageCount, 30)


def test_a_fork_server_that_does_not_answer_is_replaced(
    pdf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_client, "_ANSWER_TIMEOUT_S", 0.5)
    others, fork_server = own("fork server"), ForkServer()
    child = ChildProcess("renderer 1", 512, fork_server)
    try:
        child.start()
        [before] = set(own("fork server")) - set(others)
        os.kill(before, signal.SIGSTOP)
        child.start()
        assert page_count(child, pdf) == PageCount(3)
        [now] = set(own("fork server")) - set(others)
        assert now != before
    finally:
        child.kill()
        fork_server.stop()
    assert own("fork server", "renderer") == others
