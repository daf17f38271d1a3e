"""The index of a chapter, while its pages come and afterwards."""

import random
import sqlite3
from pathlib import Path

import orjson
import pytest

from wordai_jobs.library.chapter_index import growing_index, make_index
from wordai_jobs.model.page_names import MOST_WORDS_BYTES
from wordai_jobs.search.index import IndexWriter, OpenIndexes
from wordai_jobs.search.query import Query
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.storage import FolderStorage

CHAPTER = "chapter"
PAGES = 40


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    folder = DataFolder(tmp_path)
    folder.create()
    return FolderStorage(folder)


@pytest.fixture
def staged(storage: FolderStorage) -> Path:
    """A chapter whose pages are not published yet."""
    folder = storage.pages.stage(CHAPTER)
    for number in range(1, PAGES + 1):
        text = f"page{number} of the b\u00f3ok"
        content = {"text": text, "words": [[1, 2, 3, 4, word] for word in text.split()]}
        (folder / f"{number:05}.json").write_bytes(orjson.dumps(content))
    return folder


def found(folder: Path, word: str) -> list[int]:
    indexes = OpenIndexes()
    pages = indexes.matching_pages(folder / "search.sqlite", Query(word), 0, 2 * PAGES)
    indexes.close()
    return pages


def grown(storage: FolderStorage, numbers: list[int]) -> None:
    with growing_index(storage, CHAPTER, PAGES) as index:
        for number in numbers:
            index.add(number)
        index.store()


def shuffled() -> list[int]:
    numbers = list(range(1, PAGES + 1))
    random.Random(1).shuffle(numbers)
    return numbers


def test_an_index_that_grew_is_the_same_as_one_that_is_made_at_once(
    storage: FolderStorage, staged: Path
) -> None:
    grown(storage, shuffled())
    grew = (staged / "search.sqlite").read_bytes()
    assert make_index(storage.pages, CHAPTER, PAGES)
    assert grew == (staged / "search.sqlite").read_bytes()
    assert found(staged, "book") == list(range(1, PAGES + 1)) and found(staged, "page7") == [7]
    assert list(storage.folder.staging.iterdir()) == [staged], "something is left"


def test_an_index_that_could_not_grow_is_made_at_the_end(
    storage: FolderStorage, staged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_once(writer: IndexWriter, number: int, text: str) -> None:
        if number == 9:
            monkeypatch.undo()
            raise sqlite3.DatabaseError("malformed")
        add(writer, number, text)

    add = IndexWriter.add
    monkeypatch.setattr(IndexWriter, "add", fail_once)
    grown(storage, shuffled())
    assert found(staged, "book") == list(range(1, PAGES + 1))
    assert list(storage.folder.staging.iterdir()) == [staged], "something is left"


def test_words_that_a_renderer_makes_too_long_are_not_read(
    storage: FolderStorage, staged: Path
) -> None:
    (staged / "00002.json").write_bytes(b'{"text":"' + b"x" * MOST_WORDS_BYTES)
    assert list(storage.pages.contents(CHAPTER, [2])) == [None]
    grown(storage, shuffled())
    assert found(staged, "book") == [1, *range(3, PAGES + 1)]
