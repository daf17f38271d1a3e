"""What is read from an object store is remembered, but not for ever and not without a limit."""

from datetime import datetime, timedelta
from typing import Any, cast

import orjson
import pytest

from wordai_jobs.storage.objects import reading
from wordai_jobs.storage.objects.reading import PageReader
from wordai_jobs.storage.objects.store import ObjectStore

HOUR_S = 3600


class Store:
    """Has every image as PNG, and pages of a thousand letters; counts requests."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.read: list[str] = []
        self.signed = 0

    def find(self, key: str) -> object:
        self.found.append(key)
        return key.endswith(".png") and "missing" not in key or None

    def get(self, key: str) -> bytes:
        self.read.append(key)
        return orjson.dumps({"text": "a" * 1000, "words": []})

    def address(self, key: str, valid_for: timedelta, moment: datetime) -> str:
        self.signed += 1
        return f"https://store.example/{key}?signature={self.signed}"


@pytest.fixture
def store() -> Store:
    return Store()


class Clock:
    now_s = 300_000.0 * HOUR_S


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(store: Store, clock: Clock) -> PageReader:
    return PageReader(cast(ObjectStore, store), lambda: clock.now_s)


def address(reader: PageReader, chapter_id: str = "c", number: int = 1) -> Any:
    return reader.image(chapter_id, number)


def test_an_address_stays_the_same_for_hours_and_then_changes(
    reader: PageReader, clock: Clock, store: Store
) -> None:
    first = address(reader)
    assert first.same_for_s == 3 * HOUR_S
    clock.now_s += 3 * HOUR_S - 1
    last = address(reader)
    assert (last.url, last.same_for_s) == (first.url, 1)
    assert store.found == ["chapters/c/00001.png"]
    clock.now_s += 1
    assert address(reader).url != first.url


def test_a_page_without_an_image_has_no_address_and_is_looked_for_again(
    reader: PageReader, store: Store
) -> None:
    for _ in range(2):
        assert reader.image("missing", 1) is None
    assert len(store.found) == 4


def test_the_image_stands_in_for_a_thumbnail_that_an_older_release_did_not_make(
    reader: PageReader, store: Store
) -> None:
    thumbnail: Any = reader.thumbnail("c", 1)
    assert "/00001.png?" in thumbnail.url
    assert store.found == ["chapters/c/00001.thumbnail.jpg", "chapters/c/00001.png"]


def test_a_removed_chapter_is_forgotten(reader: PageReader, store: Store) -> None:
    address(reader, "c"), address(reader, "d")
    reader.forget("c")
    address(reader, "c"), address(reader, "d")
    assert store.found.count("chapters/c/00001.png") == 2
    assert store.found.count("chapters/d/00001.png") == 1


def test_words_are_read_once_as_long_as_there_is_room(
    reader: PageReader, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_MOST_CONTENT_BYTES", 2500)
    for number in (1, 2, 1, 3, 1, 2):
        content = reader.content("c", number)
        assert content and len(content["text"]) == 1000
    assert [key[-6] for key in store.read] == ["1", "2", "3", "2"]


def test_what_was_stored_just_now_is_not_read_and_readers_of_chapters_take_no_room(
    reader: PageReader, store: Store
) -> None:
    reader.remember("c", 1, orjson.dumps({"text": "stored", "words": []}))
    for number in (1, 2, 2):
        assert reader.stored("c", number, is_remembered=False)
    assert [key[-6] for key in store.read] == ["2", "2"]
