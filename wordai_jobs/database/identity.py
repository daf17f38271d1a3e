"""The identity of the data folder that belongs to this database, in the collection `data_folder`.

There is at most one document: `{"_id": "identity", "folder_id": …}`.
"""

from contextlib import suppress

from pymongo.errors import DuplicateKeyError

from wordai_jobs.database.repository import Repository

_ID = "identity"


class IdentityRepository(Repository[str]):
    """Reads and writes the identity."""

    def find(self) -> str | None:
        with self._translated_errors():
            document = self._collection.find_one({"_id": _ID})
        return str(document["folder_id"]) if document else None

    def replace(self, folder_id: str) -> None:
        with self._translated_errors():
            self._collection.replace_one(
                {"_id": _ID}, {"_id": _ID, "folder_id": folder_id}, upsert=True
            )

    def draw(self, folder_id: str) -> str:
        """The identity that the database has; `folder_id` if it had none."""
        with suppress(DuplicateKeyError), self._translated_errors():
            self._collection.update_one(
                {"_id": _ID}, {"$setOnInsert": {"folder_id": folder_id}}, upsert=True
            )
        return self.find() or folder_id
