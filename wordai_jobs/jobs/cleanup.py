"""Removes uploads that no chapter uses, and files without a record.

Nothing is deleted at once because it was not found: files are moved to the trash and deleted a day
later, and objects are deleted when they are a day old. So a mistake, an operator's or ours, can be
undone.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from wordai_jobs.clock import utc_now
from wordai_jobs.database.client import Database
from wordai_jobs.storage.storage import Storage

# A file gets its record within milliseconds. An hour is safe even if the clock is changed.
_MIN_AGE = timedelta(hours=1)
_KEPT_IN_TRASH = timedelta(days=1)
_BATCH = 50

logger = logging.getLogger(__name__)


class Cleanup:
    """The chores of the clean-up. Each can run at any time, and raises DatabaseError.

    The first run looks at everything; later ones only at what has changed since.
    """

    def __init__(
        self,
        retention: timedelta,
        database: Database,
        storage: Storage,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._retention = retention
        self._database = database
        self._storage = storage
        self._now = now
        # Files that were last changed before this moment have been looked at.
        self._looked_at_until: datetime | None = None
        self._is_first_run = True

    def remove_old_uploads(self) -> None:
        """Remove expired uploads that no chapter and no unfinished job uses.

        The expiry of an upload that is in use is put off by one retention period.
        """
        if not self._is_safe():
            return
        now = self._now()
        if self._is_first_run:
            self._database.uploads.set_missing_expiry(now)
            self._is_first_run = False
        removed = 0
        while due := self._database.uploads.expired(now, _BATCH):
            file_ids = {upload.file_id for upload in due}
            used = self._database.jobs.unfinished_file_ids()
            used |= self._database.chapters.files_in_use(file_ids)
            for upload in due:
                expires_at = upload.created_at + self._retention
                if upload.file_id in used:
                    expires_at = max(expires_at, now + self._retention)
                if expires_at > now:
                    self._database.uploads.set_expiry(upload.file_id, expires_at)
                else:
                    self._database.uploads.remove(upload.file_id)
                    self._storage.trash.take_upload(upload.file_id, now)
                    removed += 1
        if removed:
            logger.warning("removed %d old uploads that no chapter uses", removed)

    def remove_strays(self) -> None:
        """Remove pages without chapter or unfinished job, and uploads without record."""
        if not self._is_safe():
            return
        now = self._now()
        since, until = self._looked_at_until, now - _MIN_AGE
        folders = files = 0
        # The order matters: the job of a folder that is found here is still unfinished in the next
        # query, or has ended by then, so that the last query finds its chapter.
        found = set(self._storage.pages.chapter_ids(since, until))
        found -= self._database.jobs.unfinished_chapter_ids()
        for chapter_id in found - self._database.chapters.existing(found):
            folders += self._storage.trash.take_pages(chapter_id, now)
        uploads = set(self._storage.uploads.file_ids(since, until))
        for file_id in uploads - self._database.uploads.existing(uploads):
            files += self._storage.trash.take_upload(file_id, now)
        # Look again at recent files the next time: their jobs may have been unfinished now.
        self._looked_at_until = until - _MIN_AGE
        if folders or files:
            logger.warning(
                "removed the pages of %d chapters and %d uploads that have no record",
                folders,
                files,
            )

    def empty_trash(self) -> None:
        if self._is_safe():
            self._storage.trash.empty(self._now() - _KEPT_IN_TRASH)

    def _is_safe(self) -> bool:
        """Whether the database still belongs to the storage: a restore may have replaced it."""
        identity = self._database.identity.find()
        for holder in self._storage.holders:
            if holder.identity() != identity:
                logger.error(
                    "nothing is cleaned up: the database does not belong to the %s", holder
                )
                return False
        return True
