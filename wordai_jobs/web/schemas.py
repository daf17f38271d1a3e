"""What clients may send, and the errors for what they may not."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from flask import request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from werkzeug.exceptions import BadRequest as MalformedJson

from wordai_jobs.errors import BadRequest, BodyTooLarge, Invalid
from wordai_jobs.model.book import MAX_SLUG_LENGTH
from wordai_jobs.model.job import JobStatus

MAX_TITLE_LENGTH = 300
_MAX_ID_LENGTH = 200
_MAX_ORDER_INDEX = 2**31 - 1
# Fields are small. A body as large as a PDF may be would cost many times its size in memory once it
# is read as JSON.
_MAX_JSON_BYTES = 1024 * 1024
_NO_TEXT = ("Cc", "Cs", "Co", "Cn")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

Model = TypeVar("Model", bound=BaseModel)


def _trimmed(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value


def _is_text(value: str) -> str:
    if any(unicodedata.category(character) in _NO_TEXT for character in value):
        raise ValueError("must not hold control characters or what is no character")
    return value


def _is_slug(value: str) -> str:
    if not _SLUG.fullmatch(value):
        raise ValueError(
            "must be lower-case letters, digits and single hyphens, as in my-chapter-2"
        )
    return value


Title = Annotated[
    str,
    BeforeValidator(_trimmed),
    AfterValidator(_is_text),
    Field(min_length=1, max_length=MAX_TITLE_LENGTH),
]
Identifier = Annotated[
    str, AfterValidator(_is_text), Field(min_length=1, max_length=_MAX_ID_LENGTH)
]
Slug = Annotated[
    str,
    AfterValidator(_is_slug),
    Field(
        min_length=1,
        max_length=MAX_SLUG_LENGTH,
        json_schema_extra={"pattern": f"^{_SLUG.pattern}$"},
    ),
]


def _with_example(**example: Any) -> ConfigDict:
    """Shown in the OpenAPI document."""
    return ConfigDict(json_schema_extra={"examples": [example]})


class NewBook(BaseModel):
    """The body that makes a book."""

    model_config = _with_example(title="MuPDF Explored")

    title: Title


class NewDevToken(BaseModel):
    """The body that asks for a token in mode dev. Firebase user ids have at most 128 characters."""

    model_config = _with_example(user_id="alice")

    user_id: Annotated[str, AfterValidator(_is_text), Field(min_length=1, max_length=128)]


class NewChapter(BaseModel):
    """What a chapter shall be; sent with the PDF itself."""

    title: Title
    slug: Slug | None = None
    order_index: int = Field(0, ge=0, le=_MAX_ORDER_INDEX)
    parent_id: Identifier | None = None
    is_published: bool = True
    is_preview_free: bool = False


class NewChapterFromFile(NewChapter):
    """What a chapter shall be, and which uploaded PDF it is made from."""

    model_config = _with_example(
        file_id="file_5d1f0c9e8b7a4f3e9d2c1b0a99887766", title="Chương một", order_index=1
    )

    file_id: Identifier


class JobFilter(BaseModel):
    """The query of the list of jobs."""

    model_config = _with_example(
        status="completed",
        book_id="8d0f2a36-2f7b-4f0e-8b3c-0f6f3a9f4b11",
        limit=20,
        cursor="MjAyNi0wMi0wOFQwMDoxMDoyOC4zMjVaIDBiNWY3YzBhLTNmMGQtNGM1OC05YTQyLTFjOGQxZDNmNWE2ZQ",
    )

    status: JobStatus | None = None
    book_id: Identifier | None = None
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = None


def json_body(model: type[Model]) -> Model:
    """The JSON body of the request, its types exact.

    Raises BodyTooLarge, BadRequest where it is no JSON, Invalid where it is not right.
    """
    if (request.content_length or 0) > _MAX_JSON_BYTES:
        raise BodyTooLarge
    try:
        body = request.get_json(force=True)
    except (MalformedJson, RecursionError) as error:
        raise BadRequest("The body is not valid JSON") from error
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object")
    return _validated(model, body, strict=True)


def form_body(model: type[Model]) -> Model:
    """The form fields of the request. They are all strings, so `true` and `3` are read as what they
    say.
    """
    return _validated(model, request.form.to_dict(), strict=False)


def query(model: type[Model]) -> Model:
    return _validated(model, request.args.to_dict(), strict=False)


def _validated(model: type[Model], values: Mapping[str, Any], strict: bool) -> Model:
    try:
        return model.model_validate(values, strict=strict)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise Invalid(f"{field}: {problem['msg'].removeprefix('Value error, ')}") from error
