"""Chapters in the collection `book_chapters`."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import count
from typing import Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from wordai_jobs.database.client import Database, Document
from wordai_jobs.model.book import Chapter, Page, numbered_slug, page_image_url

_WITHOUT_PAGES = {"_id": False, "pages": False}


class ChapterRepository:
    """Reads and writes chapters; every method raises DatabaseError where the database does not do
    it.
    """

    def __init__(self, database: Database) -> None:
        self._chapters = database.chapters
        self._errors_in_words = database.errors_in_words

    def insert(self, chapter: Chapter) -> Chapter:
        """Add a chapter, with a number behind its slug where the book has that slug already.

        Adding a chapter that is there already changes nothing, so an insert whose outcome is
        unknown may be repeated.
        """
        slug = chapter.slug
        while True:
            tried = replace(chapter, slug=slug)
            try:
                with self._errors_in_words():
                    self._chapters.insert_one(_to_document(tried))
                return tried
            except DuplicateKeyError:
                there = self.find(chapter.chapter_id)
                if there:
                    return there
            # Somebody else may take it meanwhile.
            slug = self._free_slug(chapter.book_id, chapter.slug)

    def _free_slug(self, book_id: str, slug: str) -> str:
        """The slug with the first number behind it that the book does not have."""
        with self._errors_in_words():
            taken = {
                found["slug"]
                for found in self._chapters.find({"book_id": book_id}, {"_id": False, "slug": True})
            }
        return next(
            tried for attempt in count(1) if (tried := numbered_slug(slug, attempt)) not in taken
        )

    def find(self, chapter_id: str) -> Chapter | None:
        """A chapter without its pages."""
        with self._errors_in_words():
            document = self._chapters.find_one({"chapter_id": chapter_id}, _WITHOUT_PAGES)
        return _from_document(document) if document else None

    def find_with_pages(self, chapter_id: str) -> Chapter | None:
        with self._errors_in_words():
            document = self._chapters.find_one({"chapter_id": chapter_id}, {"_id": False})
        return _from_document(document) if document else None

    def find_with_page(self, chapter_id: str, number: int) -> Chapter | None:
        """A chapter with just the page `number`, or with none where it has no such page."""
        fields = {"_id": False, "pages": {"$slice": [number - 1, 1]}}
        with self._errors_in_words():
            document = self._chapters.find_one({"chapter_id": chapter_id}, fields)
        return _from_document(document) if document else None

    def of_book(self, book_id: str) -> list[Chapter]:
        """A book's chapters in their order, without pages."""
        with self._errors_in_words():
            cursor = self._chapters.find({"book_id": book_id}, _WITHOUT_PAGES)
            in_order = cursor.sort(
                [("order_index", ASCENDING), ("created_at", ASCENDING), ("chapter_id", ASCENDING)]
            )
            return [_from_document(document) for document in in_order]

    def existing(self, chapter_ids: set[str]) -> set[str]:
        """Those of the given chapters that there are."""
        with self._errors_in_words():
            found = self._chapters.find(
                {"chapter_id": {"$in": list(chapter_ids)}}, {"_id": False, "chapter_id": True}
            )
            return {document["chapter_id"] for document in found}

    def uses_file(self, file_id: str) -> bool:
        """Whether a chapter was made from this upload."""
        with self._errors_in_words():
            return self._chapters.find_one({"file_id": file_id}, {"_id": True}) is not None

    def remove(self, chapter_id: str) -> None:
        with self._errors_in_words():
            self._chapters.delete_one({"chapter_id": chapter_id})


def _to_document(chapter: Chapter) -> Document:
    pages = [
        {
            "page_number": page.number,
            "background_url": page_image_url(chapter.book_id, chapter.chapter_id, page.number),
            "width": page.width,
            "height": page.height,
            "elements": [],
        }
        for page in chapter.pages
    ]
    return {**asdict(chapter), "pages": pages}


def _from_document(document: Mapping[str, Any]) -> Chapter:
    pages = tuple(
        Page(page["page_number"], page["width"], page["height"])
        for page in document.get("pages", ())
    )
    return Chapter(**{**document, "pages": pages})
