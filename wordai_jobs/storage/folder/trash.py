"""Files that the clean-up has removed are kept here for a day before they are deleted."""

import os
import shutil
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path

from wordai_jobs.storage.data_folder import DataFolder


class FolderTrash:
    """Implements `Trash`: moves files to `trash/<seconds since 1970>/<name>`."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder

    def take_pages(self, chapter_id: str, now: datetime) -> bool:
        for place in (self._folder.staging, self._folder.chapters):
            self._take(place / chapter_id, now)
        return True

    def take_upload(self, file_id: str, now: datetime) -> bool:
        self._take(self._folder.uploads / f"{file_id}.pdf", now)
        return True

    def empty(self, before: datetime) -> None:
        for batch in self._folder.trash.iterdir():
            if batch.name.isdecimal() and int(batch.name) < before.timestamp():
                shutil.rmtree(batch, ignore_errors=True)

    def _take(self, path: Path, now: datetime) -> None:
        batch = self._folder.trash / str(int(now.timestamp()))
        batch.mkdir(mode=0o700, exist_ok=True)
        # Two restores may take the same chapter within a second.
        names = (f"{path.name}.{number}" if number else path.name for number in count())
        target = next(batch / name for name in names if not (batch / name).exists())
        with suppress(FileNotFoundError):
            os.rename(path, target)
