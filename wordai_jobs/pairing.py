"""Storage and a database belong together: both hold the same identity.

A pair that does not match is never served, because the files of one, or the jobs of the other,
would be mistaken for leftovers.
"""

import logging
from itertools import islice
from uuid import uuid4

from wordai_jobs.database.client import Database
from wordai_jobs.errors import StartError
from wordai_jobs.storage.storage import Holder, Storage

# Enough files to tell whether a database knows the storage.
_SAMPLE = 100

logger = logging.getLogger(__name__)


def pair(storage: Storage, database: Database, *, is_shared: bool = False) -> None:
    """Check that the storage and the database belong together, and join them if both are new.

    A folder of an older release has no identity: it is joined if the database knows its files.
    If several servers share both, they may start at the same moment, and must draw one identity.
    Raises StartError if they do not match, and DatabaseError.
    """
    problem = mismatch(storage, database)
    if problem:
        raise StartError(problem)
    if any(holder.identity() is None for holder in storage.holders):
        if is_shared:
            identity = database.identity.draw(str(uuid4()))
            for holder in storage.holders:
                holder.set_identity(identity)
        else:
            join(storage, database)


def mismatch(storage: Storage, database: Database) -> str | None:
    """Why the storage and the database must not be served together; None if they may."""
    for holder in storage.holders:
        if not _is_match(holder, storage, database):
            return (
                f"The {holder} and the database {database.name} do not belong together: "
                f"{holder.advice}, mongodb.uri or mongodb.database, or run "
                "`wordai-jobs join` to use them together from now on"
            )
    return None


def _is_match(holder: Holder, storage: Storage, database: Database) -> bool:
    ours, theirs = holder.identity(), database.identity.find()
    if ours is not None:
        return ours == theirs
    if holder.is_empty:
        # If only the database has an identity and nothing is recorded, the first start was
        # interrupted between the two.
        return theirs is None or database.is_empty()
    return _knows_files(storage, database)


def join(storage: Storage, database: Database) -> str:
    """Give both a new identity, and return it. Unfinished jobs become jobs of this storage.

    The database comes first: if this is interrupted, the pair does not match and can be joined
    again. Storage that was joined with this database earlier does not match any more.
    """
    identity = str(uuid4())
    database.identity.replace(identity)
    database.jobs.move_unfinished(identity)
    for holder in storage.holders:
        holder.set_identity(identity)
    logger.info("storage and the database have the identity %s", identity)
    return identity


def _knows_files(storage: Storage, database: Database) -> bool:
    """Whether the database knows some of the stored chapters and uploads, if there are any."""
    chapter_ids = set(islice(storage.pages.chapter_ids(), _SAMPLE))
    file_ids = set(islice(storage.uploads.file_ids(), _SAMPLE))
    if not chapter_ids and not file_ids:
        return True
    return bool(database.chapters.existing(chapter_ids) or database.uploads.existing(file_ids))
