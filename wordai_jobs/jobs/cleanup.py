"""Removes what nobody needs any more: files of jobs and uploads that are gone, and uploads whose
time is over.
"""

import logging
from datetime import timedelta

from wordai_jobs.clock import utc_now
from wordai_jobs.database.chapters import ChapterRepository
from wordai_jobs.database.instances import InstanceRepository
from wordai_jobs.database.jobs import JobRepository
from wordai_jobs.database.uploads import UploadRepository
from wordai_jobs.storage.pages import PageStore
from wordai_jobs.storage.uploads import UploadStore

# Between a file's last rename and its record there are milliseconds; an hour is on the safe side of
# every clock.
_UNRECORDED_FOR = timedelta(hours=1)

logger = logging.getLogger(__name__)


class Cleanup:
    """Each chore can be run at any time, beside running jobs and other servers. All raise
    DatabaseError.
    """

    def __init__(
        self,
        retention: timedelta,
        jobs: JobRepository,
        chapters: ChapterRepository,
        uploads: UploadRepository,
        instances: InstanceRepository,
        pages: PageStore,
        store: UploadStore,
    ) -> None:
        self._retention = retention
        self._jobs = jobs
        self._chapters = chapters
        self._uploads = uploads
        self._instances = instances
        self._pages = pages
        self._store = store

    def remove_stray_pages(self) -> None:
        """Page folders that belong to no chapter and no running job.

        The order matters: a folder listed first belongs to a job that is active in the next line,
        or had ended, and so has its chapter in the one after.
        """
        folders = self._pages.chapter_ids()
        folders -= {job.chapter_id for job in self._jobs.active()}
        folders -= self._chapters.existing(folders)
        for chapter_id in folders:
            logger.info("removing pages that belong to nothing: %s", chapter_id)
            self._pages.remove(chapter_id)

    def remove_unfinished_uploads(self) -> None:
        """What servers that died were receiving."""
        living = {
            instance.instance_id
            for instance in self._instances.all().values()
            if not instance.is_dead(utc_now())
        }
        self._store.remove_unfinished(except_of=living)

    def remove_old_uploads(self) -> None:
        """Uploads past their time that no chapter was made from and no job works on, and files
        without a record.
        """
        in_use = {job.file_id for job in self._jobs.active()}
        for file_id in self._uploads.before(utc_now() - self._retention):
            if file_id not in in_use and not self._chapters.uses_file(file_id):
                logger.info("removing the upload %s, which no chapter uses", file_id)
                self._uploads.remove(file_id)
                self._store.remove(file_id)
        for file_id in self._store.older_than(utc_now() - _UNRECORDED_FOR):
            if self._uploads.find(file_id) is None:
                self._store.remove(file_id)
