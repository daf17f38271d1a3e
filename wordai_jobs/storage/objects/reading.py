"""Reads pages from the store. What was read or signed lately is remembered."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from wordai_jobs.model.page_names import IMAGE_ENDINGS, THUMBNAIL_ENDING, page_file_stem
from wordai_jobs.storage.objects.keys import chapter_prefix
from wordai_jobs.storage.objects.store import ObjectStore
from wordai_jobs.storage.storage import ImageAddress

# The image stands in if an older release has rendered the page.
_THUMBNAIL_ENDINGS = (THUMBNAIL_ENDING, *IMAGE_ENDINGS)
# An address stays the same for up to 3 hours, so that browsers find its image in their cache, and
# is valid for as long after that.
_SAME_FOR_S = 3 * 3600
_VALID_FOR = timedelta(seconds=2 * _SAME_FOR_S)
_MOST_ADDRESSES = 20_000
_MOST_CONTENT_BYTES = 64 * 1024 * 1024


class PageReader:
    """The addresses of images, and the text and words of pages."""

    def __init__(self, store: ObjectStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        self._period = 0
        self._addresses: dict[tuple[str, int, tuple[str, ...]], str] = {}
        self._contents: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._content_bytes = 0

    def image(self, chapter_id: str, number: int) -> ImageAddress | None:
        """The address of a page's image; None if there is none."""
        return self._address(chapter_id, number, IMAGE_ENDINGS)

    def thumbnail(self, chapter_id: str, number: int) -> ImageAddress | None:
        return self._address(chapter_id, number, _THUMBNAIL_ENDINGS)

    def content(self, chapter_id: str, number: int) -> dict[str, Any] | None:
        """The `text` and `words` of a page; None if it is not stored."""
        stored = self.stored(chapter_id, number)
        return None if stored is None else orjson.loads(stored)

    def stored(self, chapter_id: str, number: int, *, is_remembered: bool = True) -> bytes | None:
        """The same as JSON."""
        page = (chapter_id, number)
        with self._lock:
            stored = self._contents.get(page)
            if stored is not None:
                self._contents.move_to_end(page)
        if stored is None:
            stored = self._store.get(f"{_stem(chapter_id, number)}.json")
            if stored is not None and is_remembered:
                self.remember(chapter_id, number, stored)
        return stored

    def remember(self, chapter_id: str, number: int, stored: bytes) -> None:
        """Keep the stored content of a page, as long as there is room."""
        page = (chapter_id, number)
        with self._lock:
            if page not in self._contents:
                self._contents[page] = stored
                self._content_bytes += len(stored)
            while self._content_bytes > _MOST_CONTENT_BYTES:
                _, oldest = self._contents.popitem(last=False)
                self._content_bytes -= len(oldest)

    def forget(self, chapter_id: str) -> None:
        """The chapter is about to be removed."""
        with self._lock:
            for image in [image for image in self._addresses if image[0] == chapter_id]:
                del self._addresses[image]

    def _address(
        self, chapter_id: str, number: int, endings: tuple[str, ...]
    ) -> ImageAddress | None:
        """The address of the first of these files that a page has."""
        period, passed_s = divmod(int(self._now()), _SAME_FOR_S)
        image = (chapter_id, number, endings)
        with self._lock:
            if period != self._period or len(self._addresses) >= _MOST_ADDRESSES:
                self._addresses.clear()
                self._period = period
            address = self._addresses.get(image)
        if address is None:
            keys = (f"{_stem(chapter_id, number)}{ending}" for ending in endings)
            key = next((key for key in keys if self._store.find(key)), None)
            if key is None:
                return None
            begin = datetime.fromtimestamp(period * _SAME_FOR_S, UTC)
            signed = self._store.address(key, _VALID_FOR, begin)
            with self._lock:
                # If two requests sign the same address, both respond with the first.
                address = self._addresses.setdefault(image, signed)
        return ImageAddress(address, same_for_s=_SAME_FOR_S - passed_s)


def _stem(chapter_id: str, number: int) -> str:
    return f"{chapter_prefix(chapter_id)}{page_file_stem(number)}"
