"""Uploaded PDFs in the collection `user_files`."""

from dataclasses import asdict
from datetime import datetime

from wordai_jobs.database.client import Database
from wordai_jobs.model.upload import Upload


class UploadRepository:
    """Reads and writes the records of uploads; every method raises DatabaseError where the database
    does not do it.
    """

    def __init__(self, database: Database) -> None:
        self._uploads = database.uploads
        self._errors_in_words = database.errors_in_words

    def insert(self, upload: Upload) -> None:
        with self._errors_in_words():
            self._uploads.insert_one(asdict(upload))

    def find(self, file_id: str) -> Upload | None:
        with self._errors_in_words():
            document = self._uploads.find_one({"file_id": file_id}, {"_id": False})
        return Upload(**document) if document else None

    def before(self, moment: datetime) -> list[str]:
        """The ids of uploads older than `moment`."""
        with self._errors_in_words():
            found = self._uploads.find(
                {"created_at": {"$lt": moment}}, {"_id": False, "file_id": True}
            )
            return [document["file_id"] for document in found]

    def remove(self, file_id: str) -> None:
        with self._errors_in_words():
            self._uploads.delete_one({"file_id": file_id})
