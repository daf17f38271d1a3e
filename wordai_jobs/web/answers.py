"""The bodies of answers, as types: `views` makes them, the OpenAPI document is generated from them.

A key that is NotRequired is left out where it does not hold; it is never null.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict  # pydantic cannot read typing's before Python 3.12

_closed = with_config(ConfigDict(extra="forbid"))

Uuid = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Count = Annotated[int, Field(ge=0)]
Moment = Annotated[
    str, Field(description="UTC, milliseconds", pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
]
# Not a tuple: tools for OpenAPI stumble over `prefixItems`.
Word = Annotated[list[float | str], Field(min_length=5, max_length=5)]


@_closed
class ErrorAnswer(TypedDict):
    """Every error."""

    detail: Annotated[str, Field(description="what went wrong, in words for a user")]


@_closed
class JobResult(TypedDict):
    """What a completed job has made."""

    chapter_id: Uuid
    total_pages: Annotated[int, Field(ge=1)]


class JobOutcome(TypedDict):
    """What a job that has ended has besides."""

    result: NotRequired[Annotated[JobResult, Field(description="only when completed")]]
    error: NotRequired[
        Annotated[str, Field(description="only when failed: what went wrong, in words for a user")]
    ]


class JobEnd(TypedDict):
    """When a job ended, by how."""

    completed_at: NotRequired[Moment]
    failed_at: NotRequired[Moment]


@_closed
class JobAnswer(JobOutcome, JobEnd):
    """A job. A failed one is an ordinary answer, with status 200."""

    job_id: Uuid
    user_id: Annotated[str, Field(description="its owner")]
    status: Annotated[
        Literal["pending", "processing", "completed", "failed"],
        Field(description="the last two never change again"),
    ]
    progress: Annotated[int, Field(ge=0, le=100, description="never falls")]
    message: Annotated[str, Field(description="what is being done, in words for a user")]
    created_at: Moment
    updated_at: Moment


@_closed
class JobListAnswer(TypedDict):
    """Jobs, newest first, and where the list goes on."""

    jobs: list[JobAnswer]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next part; null at the end")
    ]


@_closed
class PageAnswer(TypedDict):
    """A page: the signed address of its image, and the size of that in pixels."""

    page_number: Annotated[int, Field(ge=1)]
    background_url: Annotated[
        str, Field(description="for `<img>`, without a header; expires after a day or two")
    ]
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]


@_closed
class JobPagesAnswer(TypedDict):
    """The pages of a job that can be read so far."""

    total_pages: Count
    pages: list[PageAnswer]


@_closed
class FileAnswer(TypedDict):
    """An uploaded PDF; its size is in bytes."""

    file_id: str
    filename: str
    size: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    page_count: Annotated[int, Field(ge=1)]
    created_at: Moment


@_closed
class BookAnswer(TypedDict):
    """A book."""

    book_id: Uuid
    title: str
    created_at: Moment
    updated_at: Moment


@_closed
class BookListAnswer(TypedDict):
    """The caller's books, newest first."""

    books: list[BookAnswer]


@_closed
class ChapterAnswer(TypedDict):
    """A chapter without its pages."""

    chapter_id: Uuid
    book_id: Uuid
    title: str
    slug: Annotated[str, Field(description="unique within its book")]
    order_index: Count
    parent_id: str | None
    is_published: bool
    is_preview_free: bool
    total_pages: Annotated[int, Field(ge=1)]
    created_at: Moment
    updated_at: Moment


@_closed
class ChapterListAnswer(TypedDict):
    """A book's chapters in their order."""

    chapters: list[ChapterAnswer]


@_closed
class ChapterPageAnswer(PageAnswer):
    """A page of a chapter."""

    elements: list[Any]


@_closed
class ChapterWithPagesAnswer(ChapterAnswer):
    """A chapter with its pages."""

    pages: list[ChapterPageAnswer]


@_closed
class PageContentAnswer(PageAnswer):
    """A page with its text."""

    text: str
    words: Annotated[
        list[Word], Field(description='`[x0, y0, x1, y1, "word"]` in pixels of the image')
    ]


@_closed
class JobCounts(TypedDict):
    """This server's jobs that have not ended."""

    waiting: Count
    running: Count


@_closed
class HealthAnswer(TypedDict):
    """The process answers."""

    status: Literal["ok"]
    version: str
    jobs: JobCounts


@_closed
class ReadyAnswer(TypedDict):
    """Every part works."""

    status: Literal["ready"]
    database: Literal["ok"]
    storage: Literal["ok"]
    renderers: Literal["ok"]


@_closed
class DevTokenAnswer(TypedDict):
    """A token for the header `Authorization: Bearer …`."""

    token: str
    user_id: str
    expires_in_s: int


class SignInSettings(TypedDict):
    """How users of the web page sign in."""

    mode: Literal["dev", "firebase"]
    firebase: NotRequired[
        Annotated[
            dict[str, str], Field(description="the web configuration of the Firebase project")
        ]
    ]
    emulator: NotRequired[
        Annotated[str | None, Field(description="host and port of a Firebase Auth emulator")]
    ]


@_closed
class PageSettingsAnswer(TypedDict):
    """What the web page has to know of the server before anyone has signed in."""

    version: str
    max_upload_mb: Annotated[int, Field(ge=1)]
    auth: SignInSettings


class DocumentAnswer(TypedDict):
    """This document; there is more in it."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]
