"""Files that can be made again: made once, kept while they are used, and no more than fit."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.waiting import wait_until
from wordai_jobs.storage.file_cache import FileCache

CONTENT = b"x" * 1000


@pytest.fixture
def copies(tmp_path: Path) -> FileCache:
    """Room for two copies."""
    made = FileCache(tmp_path / "copies", max_bytes=2 * len(CONTENT))
    made.load()
    return made


def names(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "copies").iterdir()}


def write(path: Path) -> None:
    path.write_bytes(CONTENT)


def no_wait() -> None:
    raise AssertionError("nobody else downloads this")


def test_the_copy_that_was_not_used_for_longest_makes_room(
    copies: FileCache, tmp_path: Path
) -> None:
    for name in ("a", "b", "a", "c"):
        with copies.use(name, write, no_wait):
            pass
    assert names(tmp_path) == {"a", "c"}


def test_a_copy_in_use_stays_even_if_there_is_no_room(copies: FileCache, tmp_path: Path) -> None:
    with copies.use("a", write, no_wait), copies.use("b", write, no_wait) as used:
        with copies.use("c", write, no_wait):
            assert names(tmp_path) == {"a", "b", "c"}
        assert used.read_bytes() == CONTENT
    assert len(names(tmp_path)) == 2


def test_two_jobs_of_one_pdf_download_it_once(copies: FileCache) -> None:
    downloads = []
    has_begun, may_end, waits = threading.Event(), threading.Event(), threading.Event()

    def download(path: Path) -> None:
        downloads.append(path)
        has_begun.set()
        may_end.wait(30)
        write(path)

    def use() -> bytes:
        with copies.use("a", download, waits.set) as path:
            return path.read_bytes()

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(use)
        assert has_begun.wait(30)
        second = threads.submit(use)
        assert waits.wait(30)
        may_end.set()
        assert first.result(30) == second.result(30) == CONTENT
    assert len(downloads) == 1


def test_a_download_that_fails_leaves_nothing_and_another_job_tries_again(
    copies: FileCache, tmp_path: Path
) -> None:
    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise ConnectionError

    with pytest.raises(ConnectionError):
        copies.use("a", fail, no_wait)
    assert names(tmp_path) == set()
    with copies.use("a", write, no_wait) as path:
        assert path.read_bytes() == CONTENT


def test_a_job_that_waits_for_a_download_can_be_cancelled(copies: FileCache) -> None:
    may_end = threading.Event()

    def download(path: Path) -> None:
        may_end.wait(30)
        write(path)

    def cancel() -> None:
        raise InterruptedError

    def use(wait: Callable[[], None]) -> None:
        with copies.use("a", download, wait):
            pass

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(use, no_wait)
        wait_until(lambda: copies._being_made, 30, "the download")
        with pytest.raises(InterruptedError):
            use(cancel)
        may_end.set()
        first.result(30)


def test_a_start_removes_what_a_dead_server_was_downloading(
    copies: FileCache, tmp_path: Path
) -> None:
    folder = tmp_path / "copies"
    (folder / "a.part").write_bytes(b"half")
    (folder / "pages").mkdir()
    (folder / "pages" / "00001.png").write_bytes(b"half")
    copies.load()
    assert names(tmp_path) == set()


def test_a_start_finds_what_an_earlier_server_has_left_up_to_the_limit(
    copies: FileCache, tmp_path: Path
) -> None:
    for age_s, name in enumerate(("new", "old", "oldest")):
        path = tmp_path / "copies" / name
        path.write_bytes(CONTENT)
        os.utime(path, (path.stat().st_mtime - age_s,) * 2)
    copies.load()
    assert names(tmp_path) == {"new", "old"}
    with copies.use("old", write, no_wait), copies.use("newest", write, no_wait):
        assert names(tmp_path) == {"old", "newest"}


def test_all_files_of_one_prefix_are_removed(copies: FileCache, tmp_path: Path) -> None:
    for name in ("a-1", "a-2", "b-1"):
        (tmp_path / "copies" / name).write_bytes(b"x")
    copies.remove("a-")
    assert names(tmp_path) == {"b-1"}
