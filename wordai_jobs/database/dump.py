"""All documents of a database as files, one for each collection, in BSON as mongodump writes it."""

import os
from itertools import islice
from pathlib import Path

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

    def write(self, folder: Path) -> None:
        """Write each collection to a file."""
        for name in self._collections():
            with (
                open(folder / f"{name}{_ENDING}", "wb") as file,
                self._translated_errors(),
                pymongo.timeout(_TIMEOUT_S),
            ):
                for document in self._database[name].find({}):
                    file.write(document.raw)

    def clear(self, first: str) -> None:
        """Remove all collections, `first` before the others."""
        with self._translated_errors(), pymongo.timeout(_TIMEOUT_S):
            for name in [first, *self._collections()]:
                self._database.drop_collection(name)

    def read(self, folder: Path, last: str) -> None:
        """Insert the documents of each file, `last` after the others."""
        for path in sorted(folder.glob(f"*{_ENDING}"), key=lambda path: (path.stem == last, path)):
            with open(path, "rb") as file, self._translated_errors(), pymongo.timeout(_TIMEOUT_S):
                documents = bson.decode_file_iter(file, _RAW)
                while batch := list(islice(documents, _BATCH)):
                    self._database[path.stem].insert_many(batch)

    def _collections(self) -> list[str]:
        with self._translated_errors():
            names = self._database.list_collection_names()
        own = sorted(name for name in names if not name.startswith("system."))
        return sorted(own, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))


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
