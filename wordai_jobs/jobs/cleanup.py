"""Removes what nobody needs any more: files of jobs and uploads that are gone, and old uploads."""

import logging
from datetime import timedelta

from wordai_jobs.clock import utc_now
from wordai_jobs.database.client import Database
from wordai_jobs.storage.storage import Storage

# Between a file's last rename and its record there are milliseconds. An hour is safe with any clock.
_UNRECORDED_FOR = timedelta(hours=1)

logger = logging.getLogger(__name__)


class Cleanup:
    """Each chore can be run at any time, beside running jobs. All raise DatabaseError."""

    def __init__(self, retention: timedelta, database: Database, storage: Storage) -> None:
        self._retention = retention
        self._database = database
        self._storage = storage

    def remove_stray_pages(self) -> None:
        """Remove page folders that belong to no chapter and no unfinished job.

        The order of the three steps matters: a folder listed by the first belongs to a job that is
        unfinished in the second, or that had ended by then, so its chapter exists in the third.
        """
        folders = self._storage.pages.chapter_ids()
        folders -= {job.chapter_id for job in self._database.jobs.unfinished()}
        folders -= self._database.chapters.existing(folders)
        for chapter_id in folders:
            logger.info("removing pages that belong to nothing: %s", chapter_id)
            self._storage.pages.remove(chapter_id)

    def remove_old_uploads(self) -> None:
        """Remove uploads past their time that no chapter was made from and no job works on, and
        files without a record.
        """
        in_use = {job.file_id for job in self._database.jobs.unfinished()}
        for file_id in self._database.uploads.before(utc_now() - self._retention):
            if file_id not in in_use and not self._database.chapters.uses_file(file_id):
                logger.info("removing the upload %s, which no chapter uses", file_id)
                self._database.uploads.remove(file_id)
                self._storage.uploads.remove(file_id)
        for file_id in self._storage.uploads.older_than(utc_now() - _UNRECORDED_FOR):
            if self._database.uploads.find(file_id) is None:
                self._storage.uploads.remove(file_id)
