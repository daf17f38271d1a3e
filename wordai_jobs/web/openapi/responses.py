"""What comes back: the success, 304 where the client's copy still holds, and every error."""

from typing import Any

from wordai_jobs.web.answers import ErrorAnswer
from wordai_jobs.web.openapi.examples import EXAMPLES
from wordai_jobs.web.openapi.operation import Answer, Operation
from wordai_jobs.web.openapi.schemas import Schemas

_UNAUTHENTICATED = "Could not validate credentials"
_INTERNAL = "Internal server error"
_MEANINGS = {
    400: "The body cannot be read, or the upload is no PDF that can be",
    401: "No valid token",
    403: "It belongs to somebody else",
    404: "There is no such thing",
    409: "Its state does not allow it",
    413: "Larger than the limit",
    416: "Not a part of the image",
    422: "A field is missing, of a wrong type or out of range",
    429: "As many unfinished jobs as one user may have",
    500: "Something failed",
    503: "Not now",
    507: "No room",
}
_SOMETIMES_LATER = (429, 503)


def responses(method: str, operation: Operation, schemas: Schemas) -> dict[str, Any]:
    """By status, as strings, in order."""
    errors = {500: _INTERNAL, **operation.errors}
    if operation.access != "open":
        errors[401] = _UNAUTHENTICATED
    found = {operation.answer.status: _success(method, operation.answer, schemas)}
    if is_revalidated(method, operation.answer):
        found[304] = {"description": "The client's copy still holds", "headers": _headers("ETag")}
    if operation.answer.has_parts:
        found[206] = {
            **found[operation.answer.status],
            "description": "The part that `Range` asks for",
        }
        errors[416] = "The range is not in the image"
    for status, details in errors.items():
        found[status] = _error(status, (details,) if isinstance(details, str) else details, schemas)
    return {str(status): found[status] for status in sorted(found)}


def is_revalidated(method: str, answer: Answer) -> bool:
    """Whether the answer has an ETag, with which clients ask whether their copy still holds."""
    return method == "GET" and (answer.body is not None or "ETag" in answer.headers)


def _success(method: str, answer: Answer, schemas: Schemas) -> dict[str, Any]:
    of_json = (
        ("Cache-Control", *(("ETag",) if is_revalidated(method, answer) else ()))
        if answer.body
        else ()
    )
    described: dict[str, Any] = {
        "description": answer.description,
        "headers": _headers(*of_json, *answer.headers),
    }
    if answer.body:
        examples = {name: {"value": value} for name, value in EXAMPLES[answer.body].items()}
        described["content"] = {
            "application/json": {"schema": schemas.reference(answer.body), "examples": examples}
        }
    elif answer.media_types:
        described["content"] = {name: {"schema": _bytes(name)} for name in answer.media_types}
    return described


def _bytes(media_type: str) -> dict[str, str]:
    return (
        {"type": "string"}
        if media_type.startswith("text/")
        else {"type": "string", "contentMediaType": media_type}
    )


def _error(status: int, details: tuple[str, ...], schemas: Schemas) -> dict[str, Any]:
    more = (
        ("WWW-Authenticate",)
        if status == 401
        else ("Retry-After",)
        if status in _SOMETIMES_LATER
        else ()
    )
    examples = {
        f"{number}": {"value": {"detail": detail}} for number, detail in enumerate(details, 1)
    }
    return {
        "description": _MEANINGS[status],
        "headers": _headers("Cache-Control", *more),
        "content": {
            "application/json": {"schema": schemas.reference(ErrorAnswer), "examples": examples}
        },
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", *names)}
