"""Pages as objects: rendered into a local folder, then stored one by one."""

import logging
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import copy_context
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from wordai_jobs.availability import handles_request
from wordai_jobs.errors import StorageError
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.page_names import (
    IMAGE_ENDINGS,
    MOST_WORDS_BYTES,
    THUMBNAIL_ENDING,
    chapter_folder,
    page_file_stem,
)
from wordai_jobs.storage.data_folder import DataFolder, new_file, translated_full_disk
from wordai_jobs.storage.file_cache import FileCache
from wordai_jobs.storage.objects.keys import CHAPTERS, chapter_prefix
from wordai_jobs.storage.objects.reading import PageReader
from wordai_jobs.storage.objects.store import ObjectStore
from wordai_jobs.storage.storage import INDEX_NAME, ImageAddress, NextPage, Rendering

_CONTENT_ENDING = ".json"
# In this order: a page can be read as soon as it has an image.
_ENDINGS = (_CONTENT_ENDING, THUMBNAIL_ENDING, *IMAGE_ENDINGS)
# A request to a store takes some 30 ms, and a page three of them: so many threads keep up with
# several renderers.
_THREADS = 8
_RETRY_PAUSE_S = 0.5
# A job that has ended waits no longer than this for a store that is away.
_REMOVE_FOR_S = 30.0

X = TypeVar("X")
Y = TypeVar("Y")

logger = logging.getLogger(__name__)


class ObjectPages:
    """Implements `Pages`."""

    def __init__(self, store: ObjectStore, folder: DataFolder, copies: FileCache) -> None:
        """`copies` has indexes that were used lately."""
        self._store = store
        self._folder = folder
        self._copies = copies
        self._reader = PageReader(store)

    def stage(self, chapter_id: str) -> Path:
        with translated_full_disk():
            staging = self._staging(chapter_id)
            staging.mkdir(mode=0o700, exist_ok=True)
            return staging

    @contextmanager
    def storing(self, chapter_id: str, rendering: Rendering) -> Iterator[NextPage]:
        """The caller's thread waits for rendered pages, and has a few threads store them. There are
        no more of these than are needed, and none of them looks for work again and again: with
        eight that do, they take more of the processor than storing does.

        If the store is away, they try again until the caller leaves.
        """
        ended: deque[Page | Exception] = deque()
        is_over = threading.Event()

        def store(page: Page) -> None:
            try:
                if self._store_page(chapter_id, page.number, is_over):
                    ended.append(page)
            except Exception as error:  # the caller handles it
                ended.append(error)
            rendering.wake()

        def next_stored(timeout_s: float) -> Page | None:
            deadline = time.monotonic() + timeout_s
            while not ended:
                left_s = deadline - time.monotonic()
                page = rendering.next_page(left_s)
                if page:
                    executor.submit(store, page)
                elif left_s <= 0:
                    return None
            event = ended.popleft()
            if isinstance(event, Exception):
                raise event
            return event

        executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="storing")
        try:
            yield next_stored
        finally:
            is_over.set()
            # It waits: no page may be stored after the caller has removed the chapter.
            executor.shutdown(cancel_futures=True)

    def _store_page(self, chapter_id: str, number: int, is_over: threading.Event) -> bool:
        """Store the files of a page. False if it is over before they are stored."""
        prefix, stem = chapter_prefix(chapter_id), page_file_stem(number)
        for ending in _ENDINGS:
            path = f"{self._folder.staging}/{chapter_id}/{stem}{ending}"
            try:
                with open(path, "rb", buffering=0) as file:
                    size = os.fstat(file.fileno()).st_size
                    # A renderer that a PDF has taken over may write more at this moment.
                    content = file.read(min(size, MOST_WORDS_BYTES) + 1)
            except FileNotFoundError:
                continue
            is_large = len(content) > MOST_WORDS_BYTES
            if is_large and ending == _CONTENT_ENDING:
                raise ValueError(f"page {number} has more words than any page can have")
            key = f"{prefix}{stem}{ending}"
            while not is_over.is_set():
                try:
                    if is_large:
                        self._store.put_file(key, Path(path))
                    else:
                        self._store.put(key, content)
                    break
                except StorageError:
                    is_over.wait(_RETRY_PAUSE_S)
            else:
                return False
            if ending == _CONTENT_ENDING:  # the chapter's index is about to need it
                self._reader.remember(chapter_id, number, content)
            os.unlink(path)
        return True

    def size(self, chapter_id: str) -> int:
        return sum(found.size for found in self._store.under(chapter_prefix(chapter_id)))

    def sync(self, chapter_id: str) -> None:
        """Nothing: what is stored survives."""

    def publish(self, chapter_id: str) -> None:
        shutil.rmtree(self._staging(chapter_id), ignore_errors=True)

    def remove(self, chapter_id: str) -> bool:
        shutil.rmtree(self._staging(chapter_id), ignore_errors=True)
        self._folder.images.remove(chapter_id)
        self._reader.forget(chapter_id)
        self._copies.remove(_copy_name(chapter_id))
        give_up_at = time.monotonic() + (0 if handles_request.get() else _REMOVE_FOR_S)
        while True:
            try:
                self._store.remove(
                    found.key for found in self._store.under(chapter_prefix(chapter_id))
                )
                return True
            except StorageError:
                if time.monotonic() >= give_up_at:
                    logger.warning("the pages of chapter %s are left to the clean-up", chapter_id)
                    return False
                time.sleep(_RETRY_PAUSE_S)

    def chapter_ids(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[str]:
        """Every chapter, because a store does not tell when a folder was changed."""
        return iter(self._store.folders(CHAPTERS))

    def image(self, chapter_id: str, number: int) -> ImageAddress | None:
        return self._reader.image(chapter_id, number)

    def thumbnail(self, chapter_id: str, number: int) -> ImageAddress | None:
        return self._reader.thumbnail(chapter_id, number)

    def content(self, chapter_id: str, number: int) -> dict[str, Any] | None:
        return self._reader.content(chapter_id, number)

    def contents(self, chapter_id: str, numbers: Iterable[int]) -> Iterator[bytes | None]:
        # They are not remembered: that would take the room of others.
        return _at_once(partial(self._reader.stored, chapter_id, is_remembered=False), numbers)

    def store_index(self, chapter_id: str, build: Callable[[Path], None]) -> None:
        with translated_full_disk(), new_file(self._folder) as file:
            build(file)
            self._store.put_file(_index_key(chapter_id), file)
            self._copies.add(_copy_name(chapter_id), file)

    def index(self, chapter_id: str) -> AbstractContextManager[Path]:
        def download(path: Path) -> None:
            with translated_full_disk():
                self._store.download(_index_key(chapter_id), path, lambda part: None)

        return self._copies.use(_copy_name(chapter_id), download, lambda: None)

    def fetch_indexes(self, chapter_ids: Iterable[str]) -> None:
        def fetch(chapter_id: str) -> None:
            # If the store is away, whoever uses the index is told.
            with suppress(FileNotFoundError, StorageError), self.index(chapter_id):
                pass

        missing = [each for each in chapter_ids if _copy_name(each) not in self._copies]
        if len(missing) > 1:
            deque(_at_once(fetch, missing), maxlen=0)

    def _staging(self, chapter_id: str) -> Path:
        return self._folder.staging / chapter_folder(chapter_id)


def _at_once(request: Callable[[X], Y], about: Iterable[X]) -> Iterator[Y]:
    """The results of requests to the store, which a few threads make ahead."""
    remaining = iter(about)
    executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="reading")

    def begin(one: X) -> Future[Y]:
        # The context says whether a request of a client waits.
        return executor.submit(copy_context().run, request, one)

    try:
        begun = deque(map(begin, islice(remaining, 2 * _THREADS)))
        while begun:
            yield begun.popleft().result()
            begun.extend(map(begin, islice(remaining, 1)))
    finally:
        executor.shutdown(cancel_futures=True)


def _index_key(chapter_id: str) -> str:
    return f"{chapter_prefix(chapter_id)}{INDEX_NAME}"


def _copy_name(chapter_id: str) -> str:
    return f"{chapter_id}-{INDEX_NAME}"
