"""Errors, and what the server says of itself."""

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict  # pydantic cannot read typing's before Python 3.12

from wordai_jobs import __version__
from wordai_jobs.web.response_bodies.fields import closed


@closed
class ErrorBody(TypedDict):
    """Every error."""

    detail: Annotated[str, Field(description="what went wrong, as a message for users")]


@closed
class JobCounts(TypedDict):
    """This server's jobs that have not ended."""

    waiting: Annotated[int, Field(ge=0, examples=[3])]
    running: Annotated[int, Field(ge=0, examples=[4])]


@closed
class HealthBody(TypedDict):
    """The process responds."""

    status: Literal["ok"]
    version: Annotated[str, Field(examples=[__version__])]
    jobs: JobCounts


@closed
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


@closed
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
