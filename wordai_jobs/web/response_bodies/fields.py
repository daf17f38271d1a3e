"""What several bodies have in common."""

from datetime import datetime
from typing import Annotated, TypeVar, cast

from pydantic import ConfigDict, Field, WithJsonSchema, with_config

from wordai_jobs.web.openapi.parameters import BOOK_ID, CHAPTER_ID

Body = TypeVar("Body")

closed = with_config(ConfigDict(extra="forbid"))

# In examples.
BEFORE, NOW = "2026-02-08T00:10:21.004Z", "2026-02-08T00:10:28.325Z"

BookId = Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[BOOK_ID])]
ChapterId = Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[CHAPTER_ID])]
TotalPages = Annotated[int, Field(ge=1, examples=[283])]
Moment = Annotated[
    datetime,
    WithJsonSchema(
        {
            "type": "string",
            "description": "UTC, in milliseconds",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
            "examples": [NOW],
        }
    ),
]


def body_of(kind: type[Body], source: object) -> Body:
    """The body with each field read from the attribute of the same name."""
    return cast(Body, {name: getattr(source, name) for name in kind.__annotations__})
