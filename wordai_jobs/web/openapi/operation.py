"""The decorator with which a view describes itself: whoever changes one sees the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])
Errors = Mapping[int, str | tuple[str, ...]]

_ATTRIBUTE = "openapi_operation"


@dataclass(frozen=True, slots=True)
class Success:
    """The response if all goes well.

    `body` is a type of `response_bodies`; for other bodies than JSON, `media_types` are named.
    `headers` are those that not every response has. `examples` are bodies by name; without them,
    the example is made from those of the body's fields. `has_ranges`: clients may ask for a range
    of its bytes. `may_redirect`: with an object store, the response is a 302 to an address there.
    """

    status: int
    description: str
    body: type | None = None
    examples: Mapping[str, Any] | None = None
    media_types: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    has_ranges: bool = False
    may_redirect: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart form: the PDF in `file`, and the fields of `fields` beside it."""

    fields: type[BaseModel] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one URL, written above its view as a decorator.

    `errors` are examples of details by status; `parameters` are names of REQUEST_PARAMETERS.
    """

    summary: str
    success: Success
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
    """The view's description of itself, None if it has none."""
    found: Operation | None = getattr(view, _ATTRIBUTE, None)
    return found
