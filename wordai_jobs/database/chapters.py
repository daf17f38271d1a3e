"""Chapters in the collection `book_chapters`."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from itertools import count, islice
from typing import Any

from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from wordai_jobs.database.repository import Document, Repository
from wordai_jobs.errors import Conflict, DatabaseError
from wordai_jobs.model.chapter import Chapter, numbered_slug
from wordai_jobs.model.page_names import page_image_url

logger = logging.getLogger(__name__)

# A try fails if another chapter of the book took the same slug at the same moment, or if an index
# of another program is in the way.
_SLUG_TRIES = 20
# Named one by one: without that, the embedded database takes 14 ms for each chapter of 280 pages
# instead of 0.5.
_WITHOUT_PAGES: Document = {
    field.name: True for field in fields(Chapter) if field.name not in ("pages", "outline")
}


class ChapterRepository(Repository[Chapter]):
    """Reads and writes chapters."""

    adapter = TypeAdapter(Chapter)

    def insert(self, chapter: Chapter) -> Chapter:
        """Add a chapter, with a number after its slug if the book already has that slug.

        Adding a chapter that already exists changes nothing, so an insert whose outcome is unknown
        can be repeated. If the chapter above it was deleted while its pages were rendered, it
        becomes a chapter of the first level.
        """
        if chapter.parent_id and self.find(chapter.parent_id) is None:
            chapter = replace(chapter, parent_id=None)
        for slug in islice(self._slugs(chapter), _SLUG_TRIES):
            tried = replace(chapter, slug=slug)
            try:
                with self._translated_errors():
                    self._collection.insert_one(_to_document(tried))
                return tried
            except DuplicateKeyError:
                existing = self.find(chapter.chapter_id)
                if existing:
                    return existing
        logger.error("chapter %s could not be inserted: no free slug", chapter.chapter_id)
        raise DatabaseError("the database refused the operation")

    def _slugs(self, chapter: Chapter) -> Iterator[str]:
        """The slugs to try. Each may be taken by another chapter before this one gets it."""
        yield chapter.slug
        # No other chapter has this place in the book, unless a client has chosen it.
        if chapter.order_index > 0:
            yield numbered_slug(chapter.slug, chapter.order_index + 1)
        while True:
            with self._translated_errors():
                found = self._collection.find({"book_id": chapter.book_id}, {"slug": True})
                taken = {document["slug"] for document in found}
            candidates = (numbered_slug(chapter.slug, number) for number in count(2))
            yield next(candidate for candidate in candidates if candidate not in taken)

    def find(self, chapter_id: str) -> Chapter | None:
        """A chapter without its pages and its outline."""
        return self._find_one({"chapter_id": chapter_id}, _WITHOUT_PAGES)

    def find_with_pages(self, chapter_id: str) -> Chapter | None:
        """A chapter with its pages and its outline."""
        return self._find_one({"chapter_id": chapter_id})

    def find_with_page(self, chapter_id: str, number: int) -> Chapter | None:
        """A chapter with only the page `number`, or without pages if there is no such page."""
        one_page = {"pages": {"$slice": [number - 1, 1]}}
        return self._find_one({"chapter_id": chapter_id}, {**_WITHOUT_PAGES, **one_page})

    def of_book(self, book_id: str) -> list[Chapter]:
        """A book's chapters in their order, without pages."""
        with self._translated_errors():
            cursor = self._collection.find({"book_id": book_id}, _WITHOUT_PAGES)
            order = ("order_index", "enqueued_at", "created_at", "chapter_id")
            return list(self._readable(cursor.sort([(field, ASCENDING) for field in order])))

    def last_order_index(self, book_id: str) -> int:
        """The largest `order_index` of the book's chapters; -1 if it has none."""
        fields = {"_id": False, "order_index": True}
        with self._translated_errors():
            found = self._collection.find({"book_id": book_id}, fields)
            last = list(found.sort("order_index", DESCENDING).limit(1))
        return int(last[0].get("order_index") or 0) if last else -1

    def of_user(self, user_id: str) -> list[Chapter]:
        """All chapters of a user, without pages, in no order."""
        with self._translated_errors():
            found = self._collection.find({"user_id": user_id}, _WITHOUT_PAGES)
            return list(self._readable(found))

    def with_ids(self, chapter_ids: list[str]) -> list[Chapter]:
        """Those of the chapters that exist, without pages."""
        with self._translated_errors():
            found = self._collection.find({"chapter_id": {"$in": chapter_ids}}, _WITHOUT_PAGES)
            return list(self._readable(found))

    def update(self, chapter_id: str, changes: Mapping[str, Any]) -> Chapter | None:
        """Change fields; returns the chapter without its pages, None if it does not exist.

        Raises Conflict if another chapter of the book has the slug.
        """
        try:
            with self._translated_errors():
                self._collection.update_one({"chapter_id": chapter_id}, {"$set": dict(changes)})
        except DuplicateKeyError as error:
            if "slug" not in changes:
                raise DatabaseError("the database refused the operation") from error
            slug = changes["slug"]
            raise Conflict(f"slug {slug} is taken by another chapter of this book") from error
        return self.find(chapter_id)

    def move_up_children(self, chapter: Chapter) -> None:
        """Put the chapters right below this one beside it."""
        condition = {"book_id": chapter.book_id, "parent_id": chapter.chapter_id}
        with self._translated_errors():
            self._collection.update_many(condition, {"$set": {"parent_id": chapter.parent_id}})

    def ids_of_book(self, book_id: str) -> set[str]:
        """The ids of a book's chapters, including chapters whose records cannot be read."""
        return self._values("chapter_id", {"book_id": book_id})

    def files_of_book(self, book_id: str) -> set[str]:
        """The uploads that a book's chapters were made from."""
        return self._values("file_id", {"book_id": book_id})

    def existing(self, chapter_ids: set[str]) -> set[str]:
        """Those of the chapters that exist."""
        return self._existing("chapter_id", chapter_ids)

    def files_in_use(self, file_ids: set[str]) -> set[str]:
        """Those of the uploads that a chapter was made from."""
        return self._existing("file_id", file_ids)

    def remove(self, chapter_id: str) -> None:
        with self._translated_errors():
            self._collection.delete_one({"chapter_id": chapter_id})

    def _from_document(self, document: Mapping[str, Any]) -> Chapter:
        pages = [
            {**page, "number": page.get("page_number")} for page in document.get("pages") or ()
        ]
        return super()._from_document({**document, "pages": pages})


def _to_document(chapter: Chapter) -> Document:
    # 5,000 pages would also be here as `asdict` makes them, and as many empty lists: 2 MB.
    document = asdict(replace(chapter, pages=()))
    no_elements: list[Document] = []
    pages: list[Document] = [
        {
            "page_number": page.number,
            "background_url": page_image_url(chapter.book_id, chapter.chapter_id, page.number),
            "width": page.width,
            "height": page.height,
            "elements": no_elements,
            **({"label": page.label} if page.label else {}),
            **({"problem": page.problem} if page.problem else {}),
        }
        for page in chapter.pages
    ]
    return {**document, "pages": pages}
