"""What a view says of itself. It stands beside the view, so whoever changes one sees the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])
Errors = Mapping[int, str | tuple[str, ...]]

_ATTRIBUTE = "openapi_operation"


@dataclass(frozen=True, slots=True)
class Answer:
    """A success. `body` is a type of `web.answers`; `media_types` are named where the body is no
    JSON.

    Headers that every answer has are not named. `has_parts`: clients may ask for a range of its
    bytes.
    """

    status: int
    description: str
    body: type | None = None
    media_types: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    has_parts: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart form: the PDF in `file`, and the fields of `fields` beside it."""

    fields: type[BaseModel] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address, written above its view as a decorator.

    `errors` are examples of the details that each status may have; `parameters` are names in
    `headers.REQUEST_PARAMETERS`.
    """

    summary: str
    answer: Answer
    errors: Errors = field(default_factory=dict)
    json: type[BaseModel] | None = None
    form: Form | None = None
    query: type[BaseModel] | None = None
    parameters: tuple[str, ...] = ()
    access: Literal["token", "open", "token or signature"] = "token"
    has_head: bool = False

    def __call__(self, view: View) -> View:
        setattr(view, _ATTRIBUTE, self)
        return view


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """What the view says of itself, None where it says nothing."""
    found: Operation | None = getattr(view, _ATTRIBUTE, None)
    return found
