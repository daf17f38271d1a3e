"""The bodies of successful responses and of errors: each field once, in the contract's order.

The OpenAPI document is generated from these types, with the fields' examples. A key that is
NotRequired is left out when it does not apply; it is never null. Times are written as
`web.json` writes them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypeVar, cast

from pydantic import ConfigDict, Field, WithJsonSchema, with_config
from typing_extensions import TypedDict  # pydantic cannot read typing's before Python 3.12

from wordai_jobs import __version__
from wordai_jobs.auth.signing import UrlSigner
from wordai_jobs.library.books import PageContent
from wordai_jobs.library.reading import Reading
from wordai_jobs.model.chapter import Chapter, Page
from wordai_jobs.model.job import Job, JobStatus
from wordai_jobs.model.link import Link
from wordai_jobs.model.page_names import page_image_url, page_thumbnail_url
from wordai_jobs.model.position import Position
from wordai_jobs.web.openapi.parameters import BOOK_ID, CHAPTER_ID, FILE_ID, JOB_ID

Body = TypeVar("Body")

_closed = with_config(ConfigDict(extra="forbid"))

_BEFORE, _NOW = "2026-02-08T00:10:21.004Z", "2026-02-08T00:10:28.325Z"

BookId = Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[BOOK_ID])]
ChapterId = Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[CHAPTER_ID])]
JobId = Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[JOB_ID])]
Version = Annotated[str, Field(examples=[__version__])]
TotalPages = Annotated[int, Field(ge=1, examples=[283])]
Moment = Annotated[
    datetime,
    WithJsonSchema(
        {
            "type": "string",
            "description": "UTC, in milliseconds",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
            "examples": [_NOW],
        }
    ),
]
# Not a tuple: tools for OpenAPI stumble over `prefixItems`.
Word = Annotated[list[float | str], Field(min_length=5, max_length=5)]


SearchBox = Annotated[list[float], Field(min_length=4, max_length=4)]


def body_of(kind: type[Body], source: object) -> Body:
    """The body with each field read from the attribute of the same name."""
    return cast(Body, {name: getattr(source, name) for name in kind.__annotations__})


@_closed
class ErrorBody(TypedDict):
    """Every error."""

    detail: Annotated[str, Field(description="what went wrong, as a message for users")]


@_closed
class JobResult(TypedDict):
    """What a completed job has made."""

    chapter_id: ChapterId
    total_pages: TotalPages


@_closed
class JobBody(TypedDict):
    """A job. A failed job is a successful response, with status 200."""

    job_id: JobId
    user_id: Annotated[str, Field(description="its owner")]
    status: Annotated[
        Literal["pending", "processing", "completed", "failed"],
        Field(description="the last two never change again"),
    ]
    progress: Annotated[int, Field(ge=0, le=100, description="percent; never falls")]
    message: Annotated[str, Field(description="the current step, as a message for users")]
    result: NotRequired[Annotated[JobResult, Field(description="only when completed")]]
    error: NotRequired[
        Annotated[str, Field(description="only when failed: the reason, as a message for users")]
    ]
    created_at: Moment
    updated_at: Moment
    completed_at: NotRequired[Moment]
    failed_at: NotRequired[Moment]


def job_body(job: Job) -> JobBody:
    body: dict[str, Any] = {
        "job_id": job.job_id,
        "user_id": job.user_id,
        "status": job.status,
        "progress": job.progress,
        "message": job.message,
    }
    if job.status is JobStatus.COMPLETED:
        body["result"] = {"chapter_id": job.chapter_id, "total_pages": job.total_pages}
    elif job.status is JobStatus.FAILED:
        body["error"] = job.error or ""
    body["created_at"] = job.created_at
    body["updated_at"] = job.updated_at
    if job.ended_at:
        is_completed = job.status is JobStatus.COMPLETED
        body["completed_at" if is_completed else "failed_at"] = job.ended_at
    return cast(JobBody, body)


_JOB = {"job_id": JOB_ID, "user_id": "alice"}
JOB_EXAMPLES: dict[str, Any] = {
    "pending": {
        **_JOB,
        "status": "pending",
        "progress": 0,
        "message": "PDF chapter creation job enqueued",
        "created_at": _BEFORE,
        "updated_at": _BEFORE,
    },
    "processing": {
        **_JOB,
        "status": "processing",
        "progress": 46,
        "message": "Processed 120/283 pages...",
        "created_at": _BEFORE,
        "updated_at": _NOW,
    },
    "completed": {
        **_JOB,
        "status": "completed",
        "progress": 100,
        "message": "Chapter created successfully with 283 pages",
        "result": {"chapter_id": CHAPTER_ID, "total_pages": 283},
        "created_at": _BEFORE,
        "updated_at": _NOW,
        "completed_at": _NOW,
    },
    "failed": {
        **_JOB,
        "status": "failed",
        "progress": 46,
        "message": "PDF processing failed: Out of memory",
        "error": "Out of memory",
        "created_at": _BEFORE,
        "updated_at": _NOW,
        "failed_at": _NOW,
    },
}
CANCELLED_JOB_EXAMPLE = {
    **JOB_EXAMPLES["failed"],
    "message": "PDF processing failed: Cancelled by user",
    "error": "Cancelled by user",
}


@_closed
class JobListBody(TypedDict):
    """Jobs, newest first, and where the list continues."""

    jobs: Annotated[
        list[JobBody], Field(examples=[[JOB_EXAMPLES["processing"], JOB_EXAMPLES["failed"]]])
    ]
    next_cursor: Annotated[
        str | None,
        Field(description="`cursor` of the next slice; null at the end", examples=[None]),
    ]


@_closed
class JobsBody(TypedDict):
    """The jobs of one request, in its order."""

    jobs: Annotated[list[JobBody], Field(examples=[[JOB_EXAMPLES["pending"]]])]


@_closed
class PageBody(TypedDict):
    """A page: the signed URLs of its image, and the size of the large one in pixels."""

    page_number: Annotated[int, Field(ge=1, examples=[1])]
    background_url: Annotated[
        str,
        Field(
            description="for `<img>`, without a header; expires after one to two days",
            examples=[
                page_image_url(BOOK_ID, CHAPTER_ID, 1)
                + "?expires=1770681600&signature=0Zq3YkXlAaYfImFsaWNlIg1d5f0c9e8b7a4f3e9d2c1"
            ],
        ),
    ]
    width: Annotated[int, Field(ge=1, examples=[1240])]
    height: Annotated[int, Field(ge=1, examples=[1754])]
    thumbnail_url: Annotated[
        str,
        Field(
            description="as `background_url`, for an image that is 160 to 200 pixels wide",
            examples=[
                page_thumbnail_url(BOOK_ID, CHAPTER_ID, 1)
                + "?expires=1770681600&signature=x1XfbGciOiJSUzI1NiIsImtpZCI6IjE2ZWE3"
            ],
        ),
    ]
    problem: NotRequired[
        Annotated[
            str,
            Field(
                description="only if the page could not be rendered and is blank: the reason, as a "
                "message for users, such as `Page 17 took longer than 30 s`"
            ),
        ]
    ]


def page_bodies(
    pages: Iterable[Page], book_id: str, chapter_id: str, signer: UrlSigner
) -> list[PageBody]:
    bodies: list[PageBody] = []
    for page in pages:
        body: PageBody = {
            "page_number": page.number,
            "background_url": signer.sign(page_image_url(book_id, chapter_id, page.number)),
            "width": page.width,
            "height": page.height,
            "thumbnail_url": signer.sign(page_thumbnail_url(book_id, chapter_id, page.number)),
        }
        if page.problem:
            body["problem"] = page.problem
        bodies.append(body)
    return bodies


@_closed
class JobPagesBody(TypedDict):
    """The pages of a job that can be read so far."""

    total_pages: Annotated[int, Field(ge=0, examples=[283])]
    pages: list[PageBody]


@_closed
class FileBody(TypedDict):
    """An uploaded PDF; its size is in bytes."""

    file_id: Annotated[str, Field(examples=[FILE_ID])]
    filename: Annotated[str, Field(examples=["document.pdf"])]
    size: Annotated[int, Field(ge=1, examples=[4_194_304])]
    sha256: Annotated[
        str,
        Field(
            pattern=r"^[0-9a-f]{64}$",
            examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        ),
    ]
    page_count: Annotated[int, Field(ge=1, examples=[283])]
    created_at: Moment


@_closed
class OutlineEntryBody(TypedDict):
    """An entry of an outline."""

    title: Annotated[str, Field(description="at most 300 characters", examples=["Introduction"])]
    level: Annotated[int, Field(ge=1, description="1 for the highest", examples=[1])]
    page_number: Annotated[int, Field(ge=1, examples=[15])]


@_closed
class FileOutlineBody(TypedDict):
    """The title, the outline and the page labels of a PDF."""

    title: Annotated[str | None, Field(examples=["MuPDF Explored"])]
    page_count: Annotated[int, Field(ge=1, examples=[283])]
    outline: Annotated[
        list[OutlineEntryBody], Field(description="at most 5,000 entries, in their order")
    ]
    page_labels: Annotated[
        list[str] | None,
        Field(
            description="the number that is printed on each page; null if the PDF has none",
            examples=[["i", "ii", "1"]],
        ),
    ]


@_closed
class BookBody(TypedDict):
    """A book."""

    book_id: BookId
    title: Annotated[str, Field(examples=["MuPDF Explored"])]
    created_at: Moment
    updated_at: Moment


@_closed
class BookListBody(TypedDict):
    """The caller's books, newest first."""

    books: list[BookBody]


@_closed
class PositionBody(TypedDict):
    """Where its owner has stopped reading a chapter."""

    page_number: Annotated[int, Field(ge=1, examples=[17])]
    updated_at: Moment


@_closed
class ChapterBody(TypedDict):
    """A chapter without its pages."""

    chapter_id: ChapterId
    book_id: BookId
    title: Annotated[str, Field(examples=["Chương một"])]
    slug: Annotated[str, Field(description="unique within its book", examples=["chuong-mot"])]
    order_index: Annotated[int, Field(ge=0, examples=[0])]
    parent_id: Annotated[str | None, Field(examples=[None])]
    is_published: Annotated[bool, Field(examples=[True])]
    is_preview_free: Annotated[bool, Field(examples=[False])]
    total_pages: TotalPages
    created_at: Moment
    updated_at: Moment
    position: NotRequired[
        Annotated[PositionBody, Field(description="only if its owner has begun to read it")]
    ]


def chapter_body(chapter: Chapter, position: Position | None) -> ChapterBody:
    names = [name for name in ChapterBody.__annotations__ if name != "position"]
    body = cast(ChapterBody, {name: getattr(chapter, name) for name in names})
    if position:
        body["position"] = body_of(PositionBody, position)
    return body


@_closed
class ChapterListBody(TypedDict):
    """A book's chapters in their order."""

    chapters: list[ChapterBody]


Label = Annotated[
    str | None,
    Field(description="the number that is printed on the page; null if it is not known"),
]


@_closed
class ChapterPageBody(PageBody):
    """A page of a chapter."""

    label: Annotated[Label, Field(examples=["ii"])]
    elements: Annotated[list[Any], Field(examples=[[]])]


@_closed
class ChapterWithPagesBody(ChapterBody):
    """A chapter with its pages."""

    file_id: Annotated[str, Field(description="the PDF that it was made from", examples=[FILE_ID])]
    outline: Annotated[
        list[OutlineEntryBody],
        Field(description="the entries of its pages; their `page_number` counts in the chapter"),
    ]
    pages: list[ChapterPageBody]


def chapter_with_pages_body(
    chapter: Chapter, position: Position | None, signer: UrlSigner
) -> ChapterWithPagesBody:
    pages = page_bodies(chapter.pages, chapter.book_id, chapter.chapter_id, signer)
    return {
        **chapter_body(chapter, position),
        "file_id": chapter.file_id,
        "outline": [body_of(OutlineEntryBody, entry) for entry in chapter.outline],
        "pages": [
            {**body, "label": page.label, "elements": []}
            for body, page in zip(pages, chapter.pages, strict=True)
        ],
    }


# Not a tuple, as words.
LinkRect = Annotated[
    list[float],
    Field(
        min_length=4,
        max_length=4,
        description="`[x0, y0, x1, y1]` in pixels of the image",
        examples=[[150.2, 140.0, 288.5, 171.3]],
    ),
]


@_closed
class PageLinkBody(TypedDict):
    """A link to a page of the same chapter."""

    rect: LinkRect
    page_number: Annotated[int, Field(ge=1, examples=[17])]


@_closed
class UrlLinkBody(TypedDict):
    """A link to the web, or to a mailbox."""

    rect: LinkRect
    url: Annotated[
        str,
        Field(
            pattern="^([hH][tT][tT][pP][sS]?://|[mM][aA][iI][lL][tT][oO]:)",
            examples=["https://mupdf.com/"],
        ),
    ]


def link_body(link: Link) -> PageLinkBody | UrlLinkBody:
    if link.url:
        return {"rect": list(link.rect), "url": link.url}
    return {"rect": list(link.rect), "page_number": link.page_number or 1}


@_closed
class PageContentBody(PageBody):
    """A page with its text and links."""

    label: Annotated[Label, Field(examples=["ii"])]
    text: Annotated[str, Field(examples=["MuPDF Explored"])]
    words: Annotated[
        list[Word],
        Field(
            description='`[x0, y0, x1, y1, "word"]` in pixels of the image',
            examples=[
                [[150.2, 140.0, 288.5, 171.3, "MuPDF"], [297.9, 140, 452, 171.3, "Explored"]]
            ],
        ),
    ]
    links: Annotated[
        list[PageLinkBody | UrlLinkBody],
        Field(
            description="links to pages of this chapter, and to addresses with http, https or "
            "mailto; others are left out",
            examples=[[{"rect": [150.2, 140.0, 288.5, 171.3], "page_number": 17}]],
        ),
    ]


def page_content_body(
    content: PageContent, book_id: str, chapter_id: str, signer: UrlSigner
) -> PageContentBody:
    [page] = page_bodies([content.page], book_id, chapter_id, signer)
    return {
        **page,
        "label": content.page.label,
        "text": content.text,
        "words": content.words,
        "links": [link_body(link) for link in content.links],
    }


@_closed
class HitBody(TypedDict):
    """A page that has all words of a search."""

    book_id: BookId
    chapter_id: ChapterId
    page_number: Annotated[int, Field(ge=1, examples=[17])]
    excerpt: Annotated[
        str,
        Field(
            description="plain text around the words, `…` for what is left out",
            examples=["…Tell the school's office, before the first day of term, that…"],
        ),
    ]
    boxes: Annotated[
        list[SearchBox],
        Field(
            description="`[x0, y0, x1, y1]` of the words, in pixels of the image; two for a word "
            "that is broken at a line end; the first 100",
            examples=[[[150.2, 140.0, 288.5, 171.3]]],
        ),
    ]


@_closed
class HitListBody(TypedDict):
    """Hits in the order of books (newest first), chapters and pages."""

    hits: list[HitBody]
    next_cursor: Annotated[
        str | None,
        Field(
            description="`cursor` of the next slice; null at the end. A slice may have fewer hits "
            "than `limit`, even none, before the end: a search that takes long goes on there",
            examples=[None],
        ),
    ]


@_closed
class PageTextBody(TypedDict):
    """The text of a page."""

    page_number: Annotated[int, Field(ge=1, examples=[1])]
    text: Annotated[str, Field(examples=["MuPDF Explored"])]


@_closed
class ChapterTextBody(TypedDict):
    """The text of all pages of a chapter."""

    pages: list[PageTextBody]


@_closed
class ReadingBody(TypedDict):
    """A chapter that the caller has begun to read."""

    book_id: BookId
    book_title: Annotated[str, Field(examples=["MuPDF Explored"])]
    chapter_id: ChapterId
    chapter_title: Annotated[str, Field(examples=["Chương một"])]
    page_number: Annotated[int, Field(ge=1, examples=[17])]
    total_pages: TotalPages
    updated_at: Moment


def reading_body(reading: Reading) -> ReadingBody:
    return {
        "book_id": reading.book.book_id,
        "book_title": reading.book.title,
        "chapter_id": reading.chapter.chapter_id,
        "chapter_title": reading.chapter.title,
        "page_number": reading.position.page_number,
        "total_pages": reading.chapter.total_pages,
        "updated_at": reading.position.updated_at,
    }


@_closed
class ReadingListBody(TypedDict):
    """Where the caller has stopped reading, newest first."""

    positions: list[ReadingBody]


@_closed
class JobCounts(TypedDict):
    """This server's jobs that have not ended."""

    waiting: Annotated[int, Field(ge=0, examples=[3])]
    running: Annotated[int, Field(ge=0, examples=[4])]


@_closed
class HealthBody(TypedDict):
    """The process responds."""

    status: Literal["ok"]
    version: Version
    jobs: JobCounts


@_closed
class ReadyBody(TypedDict):
    """Every part works."""

    status: Literal["ready"]
    database: Literal["ok"]
    storage: Literal["ok"]
    renderers: Literal["ok"]
    sandbox: Annotated[
        Literal["complete", "partial", "off"],
        Field(
            description="how far renderers are confined; see `rendering.sandbox`",
            examples=["complete"],
        ),
    ]


@_closed
class DevTokenBody(TypedDict):
    """A token for the header `Authorization: Bearer …`."""

    token: Annotated[str, Field(examples=["ImFsaWNlIg.aYfXlA.x0Zq3Yk"])]
    user_id: Annotated[str, Field(examples=["alice"])]
    expires_in_s: Annotated[int, Field(examples=[604_800])]


class OpenApiBody(TypedDict):
    """This document; it has further keys."""

    openapi: Annotated[str, Field(examples=["3.1.0"])]
    info: Annotated[dict[str, Any], Field(examples=[{"title": "wordai_jobs"}])]
    paths: Annotated[dict[str, Any], Field(examples=[{}])]
    components: Annotated[dict[str, Any], Field(examples=[{}])]
