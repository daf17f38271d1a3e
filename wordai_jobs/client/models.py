"""The bodies of the service's responses, as values. Keys that a newer server adds are ignored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from wordai_jobs.model.job import JobStatus

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Json = Mapping[str, Any]
Value = TypeVar("Value", bound="DataclassInstance")

_PAGES_DONE = re.compile(r"Processed (\d+)/(\d+) pages")


@dataclass(frozen=True, slots=True)
class PagesDone:
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the last response showed it.

    `queue_position` counts from 1, and is None if the job is not waiting. `chapter_id` and
    `total_pages` are set once it has completed, `error` once it has failed. `raw` is the body
    itself.
    """

    job_id: str
    user_id: str
    status: JobStatus
    progress: int
    message: str
    created_at: datetime
    updated_at: datetime
    chapter_id: str | None
    total_pages: int | None
    error: str | None
    queue_position: int | None
    raw: Json

    @property
    def has_ended(self) -> bool:
        return self.status.has_ended

    @property
    def pages_done(self) -> PagesDone | None:
        """How many pages are rendered, None unless they are being rendered."""
        match = _PAGES_DONE.match(self.message)
        return PagesDone(int(match[1]), int(match[2])) if match else None

    @classmethod
    def of(cls, body: Json, queue_position: int | None = None) -> "Job":
        result = body.get("result", {})
        return _value(
            cls,
            body,
            status=JobStatus(body["status"]),
            chapter_id=result.get("chapter_id"),
            total_pages=result.get("total_pages"),
            error=body.get("error"),
            queue_position=queue_position,
            raw=body,
        )


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded PDF; `size` in bytes."""

    file_id: str
    filename: str
    size: int
    sha256: str
    page_count: int
    created_at: datetime

    @classmethod
    def of(cls, body: Json) -> "File":
        return _value(cls, body)


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """`level` and `page_number` count from 1."""

    title: str
    level: int
    page_number: int

    @classmethod
    def of(cls, body: Json) -> "OutlineEntry":
        return _value(cls, body)


@dataclass(frozen=True, slots=True)
class Part:
    """Pages of a PDF that become a chapter: both are included, and count from 1."""

    title: str
    first_page: int
    last_page: int


@dataclass(frozen=True, slots=True)
class FileOutline:
    """What a PDF says of itself. `page_labels` is what is printed on each page as its number; None
    if the PDF does not say.
    """

    title: str | None
    page_count: int
    outline: tuple[OutlineEntry, ...]
    page_labels: tuple[str, ...] | None

    def parts(self, level: int = 1) -> list[Part]:
        """A part for each entry of this level, up to the page before the next one.

        The pages before the first entry are in no part. An entry without a title is left out, and
        so is one on the page of the one before it, because that page is in a part already.
        """
        entries: dict[int, str] = {}
        for entry in self.outline:
            if entry.level == level and entry.title.strip():
                entries.setdefault(entry.page_number, entry.title)
        starts = sorted(entries)
        ends = [*(start - 1 for start in starts[1:]), self.page_count]
        return [Part(entries[start], start, end) for start, end in zip(starts, ends, strict=False)]

    @classmethod
    def of(cls, body: Json) -> "FileOutline":
        labels = body["page_labels"]
        return _value(
            cls,
            body,
            outline=tuple(OutlineEntry.of(entry) for entry in body["outline"]),
            page_labels=None if labels is None else tuple(labels),
        )


@dataclass(frozen=True, slots=True)
class Book:
    book_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    raw: Json

    @classmethod
    def of(cls, body: Json) -> "Book":
        return _value(cls, body, raw=body)


@dataclass(frozen=True, slots=True)
class Page:
    """A page's image: its size in pixels, and its signed URL below the server's, and that of a
    small one; that is None if the server has none yet. `problem` says why the page could not be
    rendered and is blank; None for other pages. `label` is what is printed on the page as its
    number, if that is known.
    """

    page_number: int
    background_url: str
    width: int
    height: int
    thumbnail_url: str | None
    problem: str | None
    label: str | None

    @classmethod
    def of(cls, body: Json) -> "Page":
        return _value(cls, {"thumbnail_url": None, "problem": None, "label": None, **body})


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a page of the same chapter, or to a URL; `rect` is x0, y0, x1, y1 in pixels of the
    page's image.
    """

    rect: tuple[float, float, float, float]
    page_number: int | None
    url: str | None

    @classmethod
    def of(cls, body: Json) -> "Link":
        x0, y0, x1, y1 = body["rect"]
        return cls((x0, y0, x1, y1), body.get("page_number"), body.get("url"))


@dataclass(frozen=True, slots=True)
class PageContent:
    """A page with its text and links; `words` as (x0, y0, x1, y1, word) in pixels of the image."""

    page: Page
    text: str
    words: tuple[tuple[float, float, float, float, str], ...]
    links: tuple[Link, ...]

    @classmethod
    def of(cls, body: Json) -> "PageContent":
        words = tuple((x0, y0, x1, y1, word) for x0, y0, x1, y1, word in body["words"])
        links = tuple(Link.of(link) for link in body.get("links", ()))
        return cls(Page.of(body), body["text"], words, links)


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that a search has found; `boxes` of its words as (x0, y0, x1, y1) in pixels of the
    image.
    """

    book_id: str
    chapter_id: str
    page_number: int
    excerpt: str
    boxes: tuple[tuple[float, float, float, float], ...]

    @classmethod
    def of(cls, body: Json) -> "Hit":
        boxes = tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in body["boxes"])
        return _value(cls, body, boxes=boxes)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter; `pages` is empty in lists. `position` is the page at which its owner has stopped
    reading, None if it has not been begun. `raw` is the body itself.
    """

    chapter_id: str
    book_id: str
    title: str
    slug: str
    order_index: int
    parent_id: str | None
    is_published: bool
    is_preview_free: bool
    total_pages: int
    outline: tuple[OutlineEntry, ...]
    position: int | None
    pages: tuple[Page, ...]
    raw: Json

    @classmethod
    def of(cls, body: Json) -> "Chapter":
        return _value(
            cls,
            body,
            outline=tuple(OutlineEntry.of(entry) for entry in body.get("outline", ())),
            position=body.get("position", {}).get("page_number"),
            pages=tuple(Page.of(page) for page in body.get("pages", ())),
            raw=body,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """A chapter that the user has begun, and the page at which the user has stopped."""

    book_id: str
    book_title: str
    chapter_id: str
    chapter_title: str
    page_number: int
    total_pages: int
    updated_at: datetime

    @classmethod
    def of(cls, body: Json) -> "Reading":
        return _value(cls, body)


def _value(kind: type[Value], body: Json, **others: Any) -> Value:
    """The fields have the names and values of the body's keys, times as text; all but `others`."""
    found = {field.name: body[field.name] for field in fields(kind) if field.name not in others}
    times = {
        name: datetime.fromisoformat(text) for name, text in found.items() if name.endswith("_at")
    }
    return kind(**{**found, **times, **others})
