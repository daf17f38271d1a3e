"""Uploaded PDFs in the collection `user_files`."""

from dataclasses import asdict, fields
from datetime import datetime

from pydantic import TypeAdapter
from pymongo import ASCENDING

from wordai_jobs.database.repository import Repository
from wordai_jobs.model.upload import Upload

# An outline can have a megabyte, and is rarely wanted. Named one by one, as for chapters.
_WITHOUT_OUTLINE = {
    field.name: True for field in fields(Upload) if field.name not in ("outline", "page_labels")
}


class UploadRepository(Repository[Upload]):
    """Reads and writes the records of uploads."""

    adapter = TypeAdapter(Upload)

    def insert(self, upload: Upload) -> None:
        with self._translated_errors():
            self._collection.insert_one(asdict(upload))

    def find(self, file_id: str) -> Upload | None:
        """An upload without its outline and page labels."""
        return self._find_one({"file_id": file_id}, _WITHOUT_OUTLINE)

    def find_with_outline(self, file_id: str) -> Upload | None:
        return self._find_one({"file_id": file_id})

    def existing(self, file_ids: set[str]) -> set[str]:
        """Those of the ids that are recorded."""
        return self._existing("file_id", file_ids)

    def expired(self, now: datetime, limit: int) -> list[Upload]:
        """Up to `limit` uploads whose time is up, the oldest first."""
        with self._translated_errors():
            found = self._collection.find({"expires_at": {"$lte": now}}, _WITHOUT_OUTLINE)
            return list(self._readable(found.sort("expires_at", ASCENDING).limit(limit)))

    def set_expiry(self, file_id: str, expires_at: datetime) -> None:
        with self._translated_errors():
            self._collection.update_one({"file_id": file_id}, {"$set": {"expires_at": expires_at}})

    def set_missing_expiry(self, expires_at: datetime) -> None:
        """Set the expiry of uploads that an older release has recorded without one."""
        with self._translated_errors():
            # None stands for a missing field too, and the index finds it; `$exists` would read all.
            self._collection.update_many({"expires_at": None}, {"$set": {"expires_at": expires_at}})

    def remove(self, file_id: str) -> None:
        with self._translated_errors():
            self._collection.delete_one({"file_id": file_id})
