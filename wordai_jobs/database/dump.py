"""All documents of a database as files, one for each collection, in BSON as mongodump writes it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import pymongo
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database as MongoDatabase

from wordai_jobs.database.repository import Document, TranslatedErrors

_ENDING = ".bson"
# What is recorded later refers to what is recorded earlier: a completed job to its chapter, a
# chapter to its book and upload. Read in the opposite order, each reference leads somewhere.
_FIRST = ("pdf_chapter_jobs", "book_chapters")
# The whole collection, not one operation of a request.
_TIMEOUT_S = 3600
_BATCH = 500
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


class Dump:
    """Writes all collections to files and reads them back. Documents are copied byte by byte.

    Its methods raise DatabaseError and OSError.
    """

    def __init__(
        self, database: MongoDatabase[Document], translated_errors: TranslatedErrors
    ) -> None:
        self._database = database.with_options(codec_options=_RAW)
        self._translated_errors = translated_errors

    def write(self, folder: Path) -> int:
        """Write each collection to a file; returns the number of documents."""
        return sum(self._write(name, folder) for name in self._collections())

    def clear(self, first: str) -> None:
        """Remove all collections, `first` before the others."""
        with self._translated_errors(), pymongo.timeout(_TIMEOUT_S):
            for name in [first, *self._collections()]:
                self._database.drop_collection(name)

    def read(self, folder: Path, last: str) -> int:
        """Insert the documents of each file, `last` after the others; returns their number."""
        paths = sorted(folder.glob(f"*{_ENDING}"), key=lambda path: (path.stem == last, path))
        return sum(self._read(path) for path in paths)

    def _collections(self) -> list[str]:
        with self._translated_errors():
            names = self._database.list_collection_names()
        own = sorted(name for name in names if not name.startswith("system."))
        return sorted(own, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))

    def _write(self, name: str, folder: Path) -> int:
        collection = self._database[name]
        count = 0
        with (
            open(folder / f"{name}{_ENDING}", "wb") as file,
            self._translated_errors(),
            pymongo.timeout(_TIMEOUT_S),
        ):
            for document in collection.find({}):
                file.write(document.raw)
                count += 1
        return count

    def _read(self, path: Path) -> int:
        collection = self._database[path.stem]
        count = 0
        with open(path, "rb") as file, self._translated_errors(), pymongo.timeout(_TIMEOUT_S):
            for batch in _batches(bson.decode_file_iter(file, _RAW)):
                collection.insert_many(batch)
                count += len(batch)
        return count


def values(folder: Path, collection: str, field: str) -> list[str]:
    """A field of each document in a collection's file, in the file's order."""
    path = folder / f"{collection}{_ENDING}"
    if not path.exists():
        return []
    with open(path, "rb") as file:
        return [document[field] for document in bson.decode_file_iter(file) if field in document]


def leave_out(folder: Path, collection: str, field: str, unwanted: set[str]) -> None:
    """Remove the documents with one of these values from a collection's file."""
    path, new = folder / f"{collection}{_ENDING}", folder / f"{collection}.new"
    with open(path, "rb") as old, open(new, "wb") as kept:
        for document in bson.decode_file_iter(old, _RAW):
            if document.get(field) not in unwanted:
                kept.write(document.raw)
    os.replace(new, path)


def _batches(documents: Iterator[Any]) -> Iterator[list[Any]]:
    batch = []
    for document in documents:
        batch.append(document)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
