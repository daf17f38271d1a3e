"""A data folder and a database belong together: both hold the same identity.

A pair that does not match is never served, because the files of one, or the jobs of the other,
would be mistaken for leftovers.
"""

import logging
from itertools import islice
from uuid import uuid4

from wordai_jobs.database.client import Database
from wordai_jobs.errors import StartError
from wordai_jobs.storage.folder import DataFolder
from wordai_jobs.storage.storage import Storage

# Enough files to tell whether a database knows the folder.
_SAMPLE = 100

logger = logging.getLogger(__name__)


def pair(storage: Storage, database: Database) -> None:
    """Check that the folder and the database belong together, and join them if both are new.

    A folder of an older release has no identity: it is joined if the database knows its files.
    Raises StartError if they do not match, and DatabaseError.
    """
    folder = storage.folder
    problem = mismatch(storage, database)
    if problem:
        raise StartError(problem)
    if folder.identity() is None:
        join(folder, database)


def mismatch(storage: Storage, database: Database) -> str | None:
    """Why the folder and the database must not be served together; None if they may."""
    folder = storage.folder
    ours, theirs = folder.identity(), database.identity.find()
    if ours is not None:
        is_match = ours == theirs
    elif folder.is_empty:
        # If only the database has an identity and nothing is recorded, the first start was
        # interrupted between the two.
        is_match = theirs is None or database.is_empty()
    else:
        is_match = _knows_files(storage, database)
    if is_match:
        return None
    return (
        f"The data folder {folder.path} and the database {database.name} do not belong together: "
        "correct storage.data_dir, mongodb.uri or mongodb.database, or run `wordai-jobs join` to "
        "use them together from now on"
    )


def join(folder: DataFolder, database: Database) -> str:
    """Give both a new identity, and return it. Unfinished jobs become jobs of this folder.

    The database comes first: if this is interrupted, the pair does not match and can be joined
    again. A folder that was joined with this database earlier does not match any more.
    """
    folder_id = str(uuid4())
    database.identity.replace(folder_id)
    database.jobs.move_unfinished(folder_id)
    folder.set_identity(folder_id)
    logger.info("the data folder and the database have the identity %s", folder_id)
    return folder_id


def _knows_files(storage: Storage, database: Database) -> bool:
    """Whether the database knows some of the folder's chapters and uploads, if there are any."""
    chapter_ids = set(islice(storage.pages.chapter_ids(), _SAMPLE))
    file_ids = set(islice(storage.uploads.file_ids(), _SAMPLE))
    if not chapter_ids and not file_ids:
        return True
    return bool(database.chapters.existing(chapter_ids) or database.uploads.existing(file_ids))
