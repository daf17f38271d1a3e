"""Uploaded PDFs in the collection `user_files`."""

from dataclasses import asdict
from datetime import datetime

from pydantic import TypeAdapter

from wordai_jobs.database.repository import Repository
from wordai_jobs.model.upload import Upload


class UploadRepository(Repository[Upload]):
    """Reads and writes the records of uploads."""

    adapter = TypeAdapter(Upload)

    def insert(self, upload: Upload) -> None:
        with self._translated_errors():
            self._collection.insert_one(asdict(upload))

    def find(self, file_id: str) -> Upload | None:
        return self._find_one({"file_id": file_id})

    def existing(self, file_ids: set[str]) -> set[str]:
        """The given ids that are recorded."""
        with self._translated_errors():
            found = self._collection.find(
                {"file_id": {"$in": list(file_ids)}}, {"_id": False, "file_id": True}
            )
            return {document["file_id"] for document in found}

    def before(self, moment: datetime) -> list[str]:
        """The ids of uploads older than `moment`."""
        with self._translated_errors():
            found = self._collection.find(
                {"created_at": {"$lt": moment}}, {"_id": False, "file_id": True}
            )
            return [document["file_id"] for document in found]

    def remove(self, file_id: str) -> None:
        with self._translated_errors():
            self._collection.delete_one({"file_id": file_id})
