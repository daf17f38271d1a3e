"""What clients may send, as a body or a query, and the errors for everything else."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from flask import request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from werkzeug.exceptions import BadRequest as MalformedJson

from wordai_jobs.errors import BadRequest, BodyTooLarge, Invalid
from wordai_jobs.model.chapter import MAX_ORDER_INDEX, MAX_SLUG_LENGTH
from wordai_jobs.model.job import JobStatus, OnBadPage
from wordai_jobs.validation_messages import message_of
from wordai_jobs.web.openapi.parameters import BOOK_ID, CHAPTER_ID, FILE_ID

MAX_TITLE_LENGTH = 300
MOST_PARTS = 200
# The limit for a JSON body and for a field of a form. A body as large as a PDF would take many
# times its size in memory once it is read as JSON.
MAX_FIELDS_MB = 1
_MAX_ID_LENGTH = 200
_MAX_USER_ID_LENGTH = 128  # Firebase's own limit
_MAX_QUERY_LENGTH = 200
_MAX_CURSOR_LENGTH = 1000
# Control characters, surrogates, private use and noncharacters. A character that is merely
# unassigned is text: a newer Unicode than this interpreter's may have it.
_NOT_TEXT = re.compile(
    r"[\x00-\x1f\x7f-\x9f\ud800-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U000f0000-\U0010ffff"
    + "".join(f"\\U{plane:04x}fffe\\U{plane:04x}ffff" for plane in range(1, 15))
    + "]"
)
# White space, Unicode's Default_Ignorable_Code_Point, annotation marks, and the empty Braille cell.
_INVISIBLE = re.compile(
    r"[\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)
_LAST_PAGE_NUMBER = 2**31 - 1
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_SEARCH_CURSOR = (
    "Wy0xNzcwNTA5NDI4MzI1LCI4ZDBmMmEzNi0yZjdiLTRmMGUtOGIzYy0wZjZmM2E5ZjRiMTEiLDAsMTc3MDUwOTQyODMyNSwi"
    "YzJiMWY3ZTQtN2I3YS00YTU1LTlkMGUtNWE0ZjZlMWM3ZDIyIiwxN10"
)

Model = TypeVar("Model", bound=BaseModel)

ON_BAD_PAGE: Any = Field(
    "fail",
    description="`fail`: a page that cannot be rendered fails the job. `placeholder`: it is left "
    "blank, with the reason on it",
)


def _trimmed(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value


def _require_text(value: str) -> str:
    if _NOT_TEXT.search(value):
        raise ValueError("must not contain control characters")
    return value


def _require_visible(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    if _INVISIBLE.fullmatch(value):
        raise ValueError("must contain a visible character")
    return value


def _require_slug(value: str) -> str:
    if not _SLUG.fullmatch(value):
        raise ValueError(
            "must be lower-case letters, digits and single hyphens, such as my-chapter-2"
        )
    return value


Title = Annotated[
    str,
    BeforeValidator(_trimmed),
    AfterValidator(_require_text),
    AfterValidator(_require_visible),
    Field(min_length=1, max_length=MAX_TITLE_LENGTH),
]
Identifier = Annotated[
    str, AfterValidator(_require_text), Field(min_length=1, max_length=_MAX_ID_LENGTH)
]
UserId = Annotated[
    str, AfterValidator(_require_text), Field(min_length=1, max_length=_MAX_USER_ID_LENGTH)
]
Slug = Annotated[
    str,
    AfterValidator(_require_slug),
    Field(
        min_length=1,
        max_length=MAX_SLUG_LENGTH,
        json_schema_extra={"pattern": f"^{_SLUG.pattern}$"},
    ),
]
OrderIndex = Annotated[int, Field(ge=0, le=MAX_ORDER_INDEX, examples=[1])]
PageNumber = Annotated[int, Field(ge=1, le=_LAST_PAGE_NUMBER)]
SearchText = Annotated[
    str, BeforeValidator(_trimmed), Field(min_length=1, max_length=_MAX_QUERY_LENGTH)
]


class _Body(BaseModel):
    """The base of all bodies: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class NewBook(_Body):
    """A book to create."""

    title: Title = Field(examples=["MuPDF Explored"])


class BookChanges(_Body):
    """What to change of a book."""

    title: Title = Field(examples=["MuPDF Explored, second edition"])


class ChapterChanges(_Body):
    """What to change of a chapter; what is left out stays as it is."""

    # These defaults are never used: only the fields that were sent are changed.
    title: Title = Field(default_factory=str, examples=["Chương một"])
    slug: Slug = Field(default_factory=str)
    order_index: OrderIndex = Field(default_factory=int)
    parent_id: Identifier | None = Field(
        default_factory=lambda: None, description="null makes it a chapter of the first level"
    )
    is_published: bool = Field(default_factory=bool)
    is_preview_free: bool = Field(default_factory=bool)


class NewPosition(_Body):
    """Where the caller stops reading a chapter."""

    page_number: PageNumber = Field(description="at most `total_pages`", examples=[17])


class NewDevToken(_Body):
    """The user to get a token for, in mode dev."""

    user_id: UserId = Field(examples=["alice"])


class NewChapter(_Body):
    """A chapter to create; sent with the PDF itself."""

    title: Title = Field(examples=["Chương một"])
    slug: Slug | None = None
    order_index: OrderIndex | None = Field(
        None, description="default: after the chapters that the book has or is about to get"
    )
    parent_id: Identifier | None = None
    is_published: bool = True
    is_preview_free: bool = False
    on_bad_page: OnBadPage = ON_BAD_PAGE
    first_page: PageNumber = Field(1, description="the first page of the PDF to take, from 1")
    last_page: PageNumber | None = Field(
        None, description="the last page of the PDF to take; default: the last one of the PDF"
    )


class NewChapterFromFile(NewChapter):
    """A chapter to create from an uploaded PDF."""

    file_id: Identifier = Field(examples=[FILE_ID])


class NewPart(_Body):
    """A part of a PDF that becomes a chapter."""

    title: Title = Field(examples=["Chương một"])
    first_page: PageNumber = Field(description="in the PDF, from 1", examples=[1])
    last_page: PageNumber = Field(description="in the PDF; included", examples=[24])


def _require_some(parts: list[NewPart]) -> list[NewPart]:
    if not 1 <= len(parts) <= MOST_PARTS:
        raise ValueError(f"must have 1 to {MOST_PARTS} entries")
    return parts


class NewChaptersFromOutline(_Body):
    """Chapters to create from parts of an uploaded PDF, in their order."""

    file_id: Identifier = Field(examples=[FILE_ID])
    parts: Annotated[
        list[NewPart],
        AfterValidator(_require_some),
        Field(
            json_schema_extra={"minItems": 1, "maxItems": MOST_PARTS},
            examples=[
                [
                    {"title": "Preface", "first_page": 1, "last_page": 4},
                    {"title": "Chương một", "first_page": 5, "last_page": 24},
                ]
            ],
        ),
    ]
    is_published: bool = True
    is_preview_free: bool = False
    on_bad_page: OnBadPage = ON_BAD_PAGE


class RetryOptions(_Body):
    """How to retry a job; what is left out is as the failed job had it."""

    on_bad_page: OnBadPage | None = Field(None, examples=["placeholder"])


class JobFilter(BaseModel):
    """The query of the list of jobs."""

    status: JobStatus | None = Field(None, examples=["completed"])
    book_id: Identifier | None = Field(None, examples=[BOOK_ID])
    limit: int = Field(20, ge=1, le=100, examples=[20])
    cursor: str | None = Field(
        None,
        examples=[
            "MjAyNi0wMi0wOFQwMDoxMDoyOC4zMjVaIDBiNWY3YzBhLTNmMGQtNGM1OC05YTQyLTFjOGQxZDNmNWE2ZQ"
        ],
    )


class SearchQuery(BaseModel):
    """The query of a search."""

    q: SearchText = Field(examples=["truong office"])
    book_id: Identifier | None = Field(None, examples=[BOOK_ID])
    chapter_id: Identifier | None = Field(None, examples=[CHAPTER_ID])
    limit: int = Field(20, ge=1, le=100, examples=[20])
    cursor: str | None = Field(None, max_length=_MAX_CURSOR_LENGTH, examples=[_SEARCH_CURSOR])


def json_body(model: type[Model]) -> Model:
    """The JSON body of the request, with exact types.

    Raises BodyTooLarge, BadRequest if it is not JSON, Invalid if a field is wrong.
    """
    if (request.content_length or 0) > MAX_FIELDS_MB * 1024 * 1024:
        raise BodyTooLarge(MAX_FIELDS_MB)
    try:
        body = request.get_json(force=True)
    except (MalformedJson, RecursionError) as error:
        raise BadRequest("The body is not valid JSON") from error
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object")
    return _validated(model, body, strict=True)


def optional_json_body(model: type[Model]) -> Model:
    """As `json_body`; without a body, every field has its default."""
    return json_body(model) if request.content_length else model()


def form_body(model: type[Model]) -> Model:
    """The form fields of the request. They are all strings, so `true` and `3` are converted.
    `file` is not one of them.

    Raises FieldTooLarge, or Invalid if a field is wrong.
    """
    files = dict.fromkeys(name for name in request.files if name != "file")
    return _validated(model, {**files, **request.form.to_dict()}, strict=False)


def query(model: type[Model]) -> Model:
    """The query of the request; raises Invalid if a field is wrong."""
    return _validated(model, request.args.to_dict(), strict=False)


def _validated(model: type[Model], values: Mapping[str, Any], strict: bool) -> Model:
    try:
        return model.model_validate(values, strict=strict)
    except ValidationError as error:
        raise Invalid(message_of(error)) from error
