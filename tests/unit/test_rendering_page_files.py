"""The files of pages while several tasks of one book write, store and remove them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wordai_jobs.model.page_names import MOST_WORDS_BYTES
from wordai_jobs.rendering.page_files import page_with_too_many_words


def test_the_page_with_too_many_words_is_found(tmp_path: Path) -> None:
    (tmp_path / "00001.json").write_bytes(b"{}")
    assert page_with_too_many_words(tmp_path) is None
    with open(tmp_path / "00002.json", "wb") as file:
        file.truncate(MOST_WORDS_BYTES + 1)
    assert page_with_too_many_words(tmp_path) == 2


def test_a_page_that_another_task_has_just_stored_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "00001.json").write_bytes(b"{}")

    @contextmanager
    def stored_meanwhile(folder: Path) -> Iterator[list[os.DirEntry[str]]]:
        with listed(folder) as entries:
            found = list(entries)
        (tmp_path / "00001.json").unlink()
        yield found

    listed = os.scandir
    monkeypatch.setattr(os, "scandir", stored_meanwhile)
    assert page_with_too_many_words(tmp_path) is None
