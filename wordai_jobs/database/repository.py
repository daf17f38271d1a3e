"""The base of all repositories."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, ClassVar, Generic, TypeVar

import pymongo
from pydantic import TypeAdapter, ValidationError
from pymongo.collection import Collection

from wordai_jobs.errors import DatabaseError

Document = dict[str, Any]
TranslatedErrors = Callable[[], AbstractContextManager[None]]
Record = TypeVar("Record")
T = TypeVar("T")

# For chores, which nobody waits for: a database that is slow must not count as away.
CHORE_TIMEOUT_S = 60
# The embedded database compares each record that it finds with each id that it is asked for: 50 ids
# take 18 ms, 500 take 0.7 s, 3000 half a minute.
_IDS_AT_ONCE = 50

logger = logging.getLogger(__name__)


class Repository(Generic[Record]):
    """Reads and writes the records of one collection.

    It reads fields by known names, with defaults for those that an older release did not write. It
    leaves unknown fields alone, because a newer release may have written them.

    The embedded database reads all documents of a collection for `find_one_and_update`, for a
    condition with `$or` or `$and`, and for a query with a hint. So nothing that it is asked for
    often has one of these. It uses the index of the first field in a condition that has one.
    """

    adapter: ClassVar[TypeAdapter[Any]]

    def __init__(
        self, collection: Collection[Document], translated_errors: TranslatedErrors
    ) -> None:
        self._collection = collection
        self._translated_errors = translated_errors

    def is_empty(self) -> bool:
        with self._translated_errors():
            return self._collection.find_one({}, {"_id": True}) is None

    def stored_bytes(self, user_id: str) -> int:
        """The sum of `size` over the user's documents."""
        steps: list[Document] = [
            {"$match": {"user_id": user_id}},
            {"$group": {"_id": None, "total": {"$sum": "$size"}}},
        ]
        with self._translated_errors():
            return sum(int(group["total"]) for group in self._collection.aggregate(steps))

    def _values(self, field: str, condition: Document) -> set[str]:
        """The values of one field; documents without it are left out. No other field is read.

        Only for chores: it may take a minute.
        """
        with self._translated_errors(), pymongo.timeout(CHORE_TIMEOUT_S):
            found = self._collection.find(condition, {"_id": False, field: True})
            return {document[field] for document in found if field in document}

    def _existing(self, field: str, ids: set[str]) -> set[str]:
        """Those of the ids that some record has in this field. Only for chores, as `_values`."""
        remaining, found = iter(ids), set[str]()
        while batch := list(islice(remaining, _IDS_AT_ONCE)):
            found |= self._values(field, {field: {"$in": batch}})
        return found

    def _from_document(self, document: Mapping[str, Any]) -> Record:
        """Raises ValidationError if the document cannot be read. Null counts as absent."""
        present = {name: value for name, value in document.items() if value is not None}
        record: Record = self.adapter.validate_python(present)
        return record

    def _find_one(self, condition: Document, fields: Document | None = None) -> Record | None:
        """Raises DatabaseError if the document cannot be read."""
        with self._translated_errors():
            document = self._collection.find_one(condition, fields)
        return self._record(document) if document else None

    def _record(self, document: Document) -> Record:
        """As `_from_document`, but raises DatabaseError, and logs why."""
        try:
            return self._from_document(document)
        except ValidationError as error:
            self._log_unreadable(document, error)
            raise DatabaseError("the record cannot be read") from error

    def _readable(self, documents: Iterable[Document]) -> Iterator[Record]:
        """The records of the documents. One that cannot be read is logged and skipped."""
        return self._read_each(documents, self._from_document)

    def _read_each(
        self, documents: Iterable[Document], read: Callable[[Document], T]
    ) -> Iterator[T]:
        """As `_readable`, with another reader, which raises ValidationError."""
        for document in documents:
            try:
                yield read(document)
            except ValidationError as error:
                self._log_unreadable(document, error)

    def _log_unreadable(self, document: Document, error: ValidationError) -> None:
        problem = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        logger.warning(
            "%s: the document %s cannot be read: %s: %s",
            self._collection.name,
            document.get("_id"),
            field,
            problem["msg"],
        )
