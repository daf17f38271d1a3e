"""Deletes books with all that is in them."""

import logging
import math
import time
from collections.abc import Callable
from datetime import timedelta

from wordai_jobs.clock import utc_now
from wordai_jobs.database.client import Database
from wordai_jobs.errors import DatabaseError, NotFound, StorageError
from wordai_jobs.jobs.housekeeping import Chore
from wordai_jobs.library.quota import Quota
from wordai_jobs.model.book import Book
from wordai_jobs.model.job import CANCELLED, JobError, JobStatus
from wordai_jobs.storage.storage import Storage

_INTERVAL_S = 5
_FORGET_INTERVAL_S = 3600
# A request waits no longer for a book to become empty; the chore removes the rest.
_LONGEST_S = 10.0

logger = logging.getLogger(__name__)


class BookRemoval:
    """Deletes books, and what was in them.

    One write deletes the book, and that is recorded; all else follows from it. What cannot be
    removed at once, or was not because the server died, is removed by a chore. A job that was
    enqueued at the same moment finds out before it completes (`BookRepository.touch`).
    """

    def __init__(
        self,
        database: Database,
        storage: Storage,
        quota: Quota,
        cancel: Callable[[str, JobError], None],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`cancel` makes a job fail, as `Engine.cancel` does."""
        self._database = database
        self._storage = storage
        self._quota = quota
        self._cancel = cancel
        self._now_s = now_s

    def chores(self, retention: timedelta) -> list[Chore]:
        """No job lives longer than `retention`, so no deleted book is remembered longer."""
        return [
            Chore("deleted books", _INTERVAL_S, self.finish),
            Chore("old deletions", _FORGET_INTERVAL_S, lambda: self.forget(retention)),
        ]

    def delete(self, book: Book) -> None:
        """Delete a book and what is in it; its unfinished jobs fail as cancelled.

        Raises NotFound if somebody else deletes it just now, and DatabaseError.
        """
        if not self._database.books.delete(book.book_id, utc_now()):
            raise NotFound("book", book.book_id)
        self._try_to_empty(book.book_id, give_up_at=self._now_s() + _LONGEST_S)
        self._quota.recount(book.user_id)

    def finish(self) -> None:
        """Remove what is left of deleted books. Raises DatabaseError if they cannot be listed."""
        for book_id in self._database.books.to_empty():
            self._try_to_empty(book_id)

    def forget(self, retention: timedelta) -> None:
        """Forget books that were deleted long ago."""
        for book_id in self._database.books.emptied_before(utc_now() - retention):
            # A server that died may have recorded one just after the others were removed.
            self._database.positions.remove_of_book(book_id)
            self._database.books.forget_deleted(book_id)

    def _try_to_empty(self, book_id: str, give_up_at: float = math.inf) -> None:
        try:
            left = self._empty(book_id, give_up_at)
        except (DatabaseError, StorageError) as error:
            left = error.message
        if left:
            logger.warning("the rest of the deleted book %s is removed later: %s", book_id, left)

    def _empty(self, book_id: str, give_up_at: float) -> str | None:
        """Why something is left of the book; None if it is empty."""
        unfinished = self._database.jobs.unfinished_of_book(book_id)
        # Waiting jobs first: the end of a running one would let the next one begin.
        for job in sorted(unfinished, key=lambda job: job.status is JobStatus.PROCESSING):
            if self._now_s() >= give_up_at:
                return "to cancel its jobs takes long"
            self._cancel(job.job_id, CANCELLED)
        now = utc_now()
        for file_id in self._database.chapters.files_of_book(book_id):
            self._database.uploads.set_expiry(file_id, now)
        for chapter_id in self._database.chapters.ids_of_book(book_id):
            if self._now_s() >= give_up_at:
                return "it has many chapters"
            if not self._storage.pages.remove(chapter_id):
                return "the object store cannot be reached"
            self._database.chapters.remove(chapter_id)
        self._database.positions.remove_of_book(book_id)
        if self._database.jobs.unfinished_of_book(book_id):
            return "some of its jobs have not ended yet"
        self._database.books.set_emptied(book_id, now)
        return None
