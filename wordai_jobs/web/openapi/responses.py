"""The responses of an operation: its success, 304 if the client's copy is current, its errors."""

from typing import Any

from wordai_jobs.web.openapi.operation import Operation, Success
from wordai_jobs.web.openapi.schemas import Schemas
from wordai_jobs.web.response_bodies.server import ErrorBody

_MEANINGS = {
    400: "The body cannot be read, or the upload is not a usable PDF",
    401: "No valid token",
    403: "It belongs to another user",
    404: "Not found",
    409: "The current state does not allow it",
    413: "Larger than the limit",
    416: "The range is not in the file",
    422: "A field is missing, of a wrong type or out of range",
    429: "The user has reached the limit of unfinished jobs",
    500: "Something failed",
    503: "Not possible at the moment",
    507: "Storage is full, or the user has reached the storage limit",
}


def responses(method: str, operation: Operation, schemas: Schemas) -> dict[str, Any]:
    """By status, as strings, in order."""
    success = operation.success
    found = {success.status: _success(method, success, schemas)}
    errors = {500: "Internal server error", **operation.errors}
    if operation.access != "open":
        errors[401] = "Could not validate credentials"
        errors[503] = (
            *_details(errors.get(503, ())),
            "Sign-in cannot be checked right now",
            "The database cannot be reached yet",
        )
    if is_conditional(method, success):
        found[304] = {"description": "The client's copy is current", "headers": _headers("ETag")}
    if success.may_redirect:
        found[302] = {
            "description": "With an object store: the signed address of the image, valid for hours",
            "headers": _headers("Location", "Cache-Control"),
        }
    if success.has_ranges:
        found[206] = {**found[success.status], "description": "The range that `Range` asks for"}
        errors[416] = "The range is not in the file"
    for status, details in errors.items():
        found[status] = _error(status, _details(details), schemas)
    return {str(status): found[status] for status in sorted(found)}


def _details(examples: str | tuple[str, ...]) -> tuple[str, ...]:
    return (examples,) if isinstance(examples, str) else examples


def is_conditional(method: str, success: Success) -> bool:
    """Whether the response has an ETag, so that clients can ask whether their copy is current."""
    return method == "GET" and (success.body is not None or "ETag" in success.headers)


def _success(method: str, success: Success, schemas: Schemas) -> dict[str, Any]:
    headers = [*success.headers]
    content: dict[str, Any] = {}
    if success.body:
        headers += (
            ["Cache-Control", "ETag"] if is_conditional(method, success) else ["Cache-Control"]
        )
        schema = schemas.reference(success.body)
        content["application/json"] = {"schema": schema}
        if success.examples:
            content["application/json"]["examples"] = _named(success.examples)
        else:
            content["application/json"]["example"] = schemas.example(schema)
    for media_type in success.media_types:
        schema = {"type": "string"}
        if not media_type.startswith("text/"):
            schema["contentMediaType"] = media_type
        content[media_type] = {"schema": schema}
    described = {"description": success.description, "headers": _headers(*headers)}
    return {**described, "content": content} if content else described


def _error(status: int, details: tuple[str, ...], schemas: Schemas) -> dict[str, Any]:
    headers = ["Cache-Control"]
    if status == 401:
        headers.append("WWW-Authenticate")
    if status in (429, 503):
        headers.append("Retry-After")
    examples = {str(number): {"detail": detail} for number, detail in enumerate(details, 1)}
    content = {"schema": schemas.reference(ErrorBody), "examples": _named(examples)}
    return {
        "description": _MEANINGS[status],
        "headers": _headers(*headers),
        "content": {"application/json": content},
    }


def _named(examples: Any) -> dict[str, Any]:
    return {name: {"value": value} for name, value in examples.items()}


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", *names)}
