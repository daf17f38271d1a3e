"""What the service answers, as values. Keys that a newer server adds are left aside."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wordai_jobs.model.job import JobStatus

Json = Mapping[str, Any]

_PAGES_DONE = re.compile(r"Processed (\d+)/(\d+) pages")


@dataclass(frozen=True, slots=True)
class PagesDone:
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its last answer showed it. `queue_position` counts from 1, None where it does not
    wait.

    `chapter_id` and `total_pages` are there once it has completed, `error` once it has failed.
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
    """The answer itself."""

    @property
    def has_ended(self) -> bool:
        return self.status.has_ended

    @property
    def pages_done(self) -> PagesDone | None:
        """How many pages are rendered, while they are."""
        match = _PAGES_DONE.match(self.message)
        return PagesDone(int(match[1]), int(match[2])) if match else None

    @classmethod
    def of(cls, answer: Json, queue_position: int | None = None) -> "Job":
        result = answer.get("result", {})
        return cls(
            job_id=answer["job_id"],
            user_id=answer["user_id"],
            status=JobStatus(answer["status"]),
            progress=answer["progress"],
            message=answer["message"],
            created_at=_time(answer["created_at"]),
            updated_at=_time(answer["updated_at"]),
            chapter_id=result.get("chapter_id"),
            total_pages=result.get("total_pages"),
            error=answer.get("error"),
            queue_position=queue_position,
            raw=answer,
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
    def of(cls, answer: Json) -> "File":
        return cls(
            answer["file_id"],
            answer["filename"],
            answer["size"],
            answer["sha256"],
            answer["page_count"],
            _time(answer["created_at"]),
        )


@dataclass(frozen=True, slots=True)
class Book:
    book_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    raw: Json

    @classmethod
    def of(cls, answer: Json) -> "Book":
        return cls(
            answer["book_id"],
            answer["title"],
            _time(answer["created_at"]),
            _time(answer["updated_at"]),
            answer,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """A page's image: its size in pixels, and its signed address below the server's."""

    page_number: int
    background_url: str
    width: int
    height: int

    @classmethod
    def of(cls, answer: Json) -> "Page":
        return cls(
            answer["page_number"], answer["background_url"], answer["width"], answer["height"]
        )


@dataclass(frozen=True, slots=True)
class PageContent:
    """A page with its text; `words` as (x0, y0, x1, y1, word) in pixels of the image."""

    page: Page
    text: str
    words: tuple[tuple[float, float, float, float, str], ...]

    @classmethod
    def of(cls, answer: Json) -> "PageContent":
        words = tuple((x0, y0, x1, y1, word) for x0, y0, x1, y1, word in answer["words"])
        return cls(Page.of(answer), answer["text"], words)


@dataclass(frozen=True, slots=True)
class Chapter:
    chapter_id: str
    book_id: str
    title: str
    slug: str
    order_index: int
    parent_id: str | None
    is_published: bool
    is_preview_free: bool
    total_pages: int
    pages: tuple[Page, ...]

    @classmethod
    def of(cls, answer: Json) -> "Chapter":
        return cls(
            answer["chapter_id"],
            answer["book_id"],
            answer["title"],
            answer["slug"],
            answer["order_index"],
            answer["parent_id"],
            answer["is_published"],
            answer["is_preview_free"],
            answer["total_pages"],
            tuple(Page.of(page) for page in answer["pages"]),
        )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
