"""The pages of a chapter: written into a staging folder, then moved into place in one step.

A page is three files, such as `00017.png` (or `.jpg`), `00017.thumbnail.jpg`, and `00017.json` with
its text and words; one more file has an index of all text. The chapter's id names both folders, so
the URL of a page stays the same after its job has ended.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from wordai_jobs.files import fsync_folder
from wordai_jobs.linux import sync_file_system
from wordai_jobs.model.page_names import (
    MOST_WORDS_BYTES,
    THUMBNAIL_ENDING,
    chapter_folder,
    page_file_stem,
)
from wordai_jobs.storage.data_folder import (
    DataFolder,
    changed_between,
    new_file,
    translated_full_disk,
)
from wordai_jobs.storage.storage import INDEX_NAME, ImageFile, NextPage, Rendering

_MEDIA_TYPES = {".png": "image/png", ".jpg": "image/jpeg"}


class FolderPages:
    """Implements `Pages`."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder

    def stage(self, chapter_id: str) -> Path:
        with translated_full_disk():
            staging = self._staging(chapter_id)
            staging.mkdir(mode=0o700)
            return staging

    def storing(self, chapter_id: str, rendering: Rendering) -> AbstractContextManager[NextPage]:
        return nullcontext(rendering.next_page)

    def size(self, chapter_id: str) -> int:
        with os.scandir(self._staging(chapter_id)) as entries:
            return sum(entry.stat().st_size for entry in entries)

    def sync(self, chapter_id: str) -> None:
        with translated_full_disk():
            sync_file_system(self._staging(chapter_id))

    def publish(self, chapter_id: str) -> None:
        with translated_full_disk():
            os.rename(self._staging(chapter_id), self._chapter(chapter_id))
            fsync_folder(self._folder.chapters)

    def remove(self, chapter_id: str) -> bool:
        for folder in (self._staging(chapter_id), self._chapter(chapter_id)):
            shutil.rmtree(folder, ignore_errors=True)
        self._folder.images.remove(chapter_id)
        return True

    def chapter_ids(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[str]:
        for folder in (self._folder.staging, self._folder.chapters):
            for entry in changed_between(folder, since, until):
                if entry.is_dir(follow_symlinks=False):
                    yield entry.name

    def image(self, chapter_id: str, number: int) -> ImageFile | None:
        # In this order, because folders move only from the first to the second.
        for folder in (self._staging(chapter_id), self._chapter(chapter_id)):
            for ending, media_type in _MEDIA_TYPES.items():
                path = folder / f"{page_file_stem(number)}{ending}"
                if path.exists():
                    return ImageFile(path, media_type)
        return None

    def thumbnail(self, chapter_id: str, number: int) -> ImageFile | None:
        image = self.image(chapter_id, number)  # a page without one is being written
        if image is None:
            return None
        path = image.path.with_name(f"{page_file_stem(number)}{THUMBNAIL_ENDING}")
        return ImageFile(path, "image/jpeg") if path.exists() else image

    def content(self, chapter_id: str, number: int) -> dict[str, Any] | None:
        stored = _stored(self._chapter(chapter_id), number)
        return None if stored is None else orjson.loads(stored)

    def contents(self, chapter_id: str, numbers: Iterable[int]) -> Iterator[bytes | None]:
        for number in numbers:  # in this order, as above
            yield (
                _stored(self._staging(chapter_id), number)
                or _stored(self._chapter(chapter_id), number)
            )

    def store_index(self, chapter_id: str, build: Callable[[Path], None]) -> None:
        with translated_full_disk(), new_file(self._folder) as file:
            build(file)
            for folder in (self._staging(chapter_id), self._chapter(chapter_id)):
                with suppress(FileNotFoundError):
                    os.rename(file, folder / INDEX_NAME)
                    return
        raise FileNotFoundError(chapter_id)

    @contextmanager
    def index(self, chapter_id: str) -> Iterator[Path]:
        path = self._chapter(chapter_id) / INDEX_NAME
        if not path.exists():
            raise FileNotFoundError(path)
        yield path

    def fetch_indexes(self, chapter_ids: Iterable[str]) -> None:
        """Nothing: they are here."""

    def _staging(self, chapter_id: str) -> Path:
        return self._folder.staging / chapter_folder(chapter_id)

    def _chapter(self, chapter_id: str) -> Path:
        return self._folder.chapters / chapter_folder(chapter_id)


def _stored(folder: Path, number: int) -> bytes | None:
    try:
        # Not with Path, which takes longer than reading: an index is made of hundreds of files.
        with open(f"{folder}/{page_file_stem(number)}.json", "rb", buffering=0) as file:
            # A renderer that a PDF has taken over may still be writing to it.
            size = os.stat(file.fileno()).st_size
            return file.read(size) if size <= MOST_WORDS_BYTES else None
    except FileNotFoundError:
        return None
