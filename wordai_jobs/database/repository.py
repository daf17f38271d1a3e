"""What all repositories have in common."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from pymongo.collection import Collection

Document = dict[str, Any]
TranslatedErrors = Callable[[], AbstractContextManager[None]]


class Repository:
    """Reads and writes the documents of one collection."""

    def __init__(
        self, collection: Collection[Document], translated_errors: TranslatedErrors
    ) -> None:
        self._collection = collection
        self._translated_errors = translated_errors

    def is_empty(self) -> bool:
        with self._translated_errors():
            return self._collection.find_one({}, {"_id": True}) is None
