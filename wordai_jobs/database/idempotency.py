"""Which request has made which job, in the collection `idempotency_keys`; a unique index decides
between equals.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from wordai_jobs.database.client import Database


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A user's key, a fingerprint of what was asked with it, and the job that it makes."""

    user_id: str
    key: str
    fingerprint: str
    job_id: str
    created_at: datetime


class KeyRepository:
    """Reads and writes keys; every method raises DatabaseError where the database does not do
    it.
    """

    def __init__(self, database: Database) -> None:
        self._keys = database.idempotency_keys
        self._errors_in_words = database.errors_in_words

    def insert(self, record: KeyRecord) -> bool:
        """False where the user's key is taken."""
        try:
            with self._errors_in_words():
                self._keys.insert_one(asdict(record))
        except DuplicateKeyError:
            return False
        return True

    def find(self, user_id: str, key: str) -> KeyRecord | None:
        with self._errors_in_words():
            document = self._keys.find_one({"user_id": user_id, "key": key}, {"_id": False})
        return KeyRecord(**document) if document else None

    def replace(self, taken: KeyRecord, job_id: str) -> bool:
        """Let the key make another job; False where somebody else was quicker."""
        condition = {"user_id": taken.user_id, "key": taken.key, "job_id": taken.job_id}
        with self._errors_in_words():
            return self._keys.update_one(condition, {"$set": {"job_id": job_id}}).matched_count == 1

    def remove(self, record: KeyRecord) -> None:
        """Free the key, where it still stands for this job."""
        with self._errors_in_words():
            self._keys.delete_one(
                {"user_id": record.user_id, "key": record.key, "job_id": record.job_id}
            )
