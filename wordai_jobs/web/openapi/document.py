"""The OpenAPI document of one application: it describes the routes that this application has."""

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from pydantic import BaseModel
from werkzeug.routing import Rule

from wordai_jobs import __version__
from wordai_jobs.web.openapi.operation import Form, Operation, operation_of
from wordai_jobs.web.openapi.parameters import (
    PATH_PARAMETERS,
    REQUEST_PARAMETERS,
    RESPONSE_HEADERS,
)
from wordai_jobs.web.openapi.responses import is_conditional, responses
from wordai_jobs.web.openapi.samples import curl
from wordai_jobs.web.openapi.schemas import Schemas
from wordai_jobs.web.response_bodies.server import ErrorBody

_DESCRIPTION = """\
Turns uploaded PDFs into chapters of books, with jobs that clients poll:

1. Upload a PDF (`POST /api/v1/files`), and create a book (`POST /api/v1/books`).
2. Enqueue a job that makes a chapter (`POST /api/v1/books/{book_id}/chapters/from-pdf`).
3. Request the job every `Retry-After` seconds until its `status` is `completed` or `failed`.
4. Read the chapter: its pages, their text and their images.

Each request needs the header `Authorization: Bearer …`, with a Firebase ID token or, in mode
dev, one from `POST /dev/token`. The curl samples use these variables of the shell:

    SERVER=http://127.0.0.1:8000
    TOKEN=…

Every error is `{"detail": "…"}` and nothing else. Web pages on the configured origins can read
every response, errors included.
"""
# In the order in which a client needs them: what is in a group, and how its paths begin. The first
# group that fits a path has it.
_GROUPS = {
    "files": ("Uploaded PDFs.", r"/api/v1/files"),
    "jobs": ("Make chapters from PDFs.", r"/api/v1/books/(jobs|.*/from-)"),
    "chapters": (
        "Read and search chapters.",
        r"/api/v1/(books/.*/chapters|search|reading)",
    ),
    "books": ("Chapters belong to books.", r"/api/v1/books"),
    "operations": ("The server itself.", r""),
}
_ORDER = ("files", "books", "jobs", "chapters", "operations")
_SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "token": [{"bearer": []}],
    "open": [],
    "token or signature": [{"bearer": []}, {}],
}
_PDF = {
    "type": "string",
    "format": "binary",
    "contentMediaType": "application/pdf",
    "description": "the PDF",
}
_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

Document = dict[str, Any]
Described = tuple[Rule, str, Operation]


def build(app: Flask) -> Document:
    """The whole document; raises LookupError for a route whose view does not describe itself."""
    described = list(_described(app))
    schemas = Schemas(_request_types(described), _response_types(described))
    paths: dict[str, Any] = {}
    for rule, method, operation in described:
        path = paths.setdefault(_VARIABLE.sub(r"{\1}", rule.rule), {})
        path[method.lower()] = _operation(rule, method, operation, schemas)
        if operation.has_head:
            path["head"] = _head(path[method.lower()])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "wordai_jobs",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "servers": [{"url": "/", "description": "this server"}],
        "tags": [{"name": name, "description": _GROUPS[name][0]} for name in _ORDER],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "headers": RESPONSE_HEADERS,
            "parameters": {**PATH_PARAMETERS, **REQUEST_PARAMETERS},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A Firebase ID token; in mode dev, one from `POST /dev/token`",
                }
            },
        },
    }


def _described(app: Flask) -> Iterator[Described]:
    """Every route and method, in the order of the groups and routes."""
    for rule in sorted(
        app.url_map.iter_rules(),
        key=lambda rule: (_ORDER.index(_group(rule.rule)), rule.rule),
    ):
        operation = operation_of(app.view_functions[rule.endpoint])
        if operation is None:
            raise LookupError(
                f"{rule.rule} ({rule.endpoint}) is not described: it needs @Operation"
            )
        for method in _METHODS:
            if method in (rule.methods or ()):
                yield rule, method, operation


def _group(path: str) -> str:
    return next(name for name, (_, pattern) in _GROUPS.items() if re.match(pattern, path))


def _request_types(described: list[Described]) -> set[type[BaseModel]]:
    return {
        kind
        for _, _, operation in described
        for kind in (operation.json, operation.query, operation.form and operation.form.fields)
        if kind
    }


def _response_types(described: list[Described]) -> set[type]:
    bodies = {operation.success.body for _, _, operation in described}
    return {ErrorBody} | {body for body in bodies if body}


def _operation(rule: Rule, method: str, operation: Operation, schemas: Schemas) -> Document:
    described: Document = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": operation.summary,
        "tags": [_group(rule.rule)],
        "security": _SECURITY[operation.access],
        "parameters": list(_parameters(rule, method, operation, schemas)),
    }
    content: Document = {}
    if operation.json:
        schema = schemas.reference(operation.json)
        content["application/json"] = {"schema": schema, "example": schemas.example(schema)}
    if operation.form:
        content["multipart/form-data"] = {"schema": _form(operation.form, schemas)}
    if content:
        described["requestBody"] = {"required": _needs_body(operation), "content": content}
    described["responses"] = responses(method, operation, schemas)
    path = _VARIABLE.sub(r"{\1}", rule.rule)
    described["x-code-samples"] = [curl(path, method.lower(), described)]
    return described


def _needs_body(operation: Operation) -> bool:
    """A JSON body may be left out if all of its fields may."""
    fields = operation.json.model_fields.values() if operation.json else ()
    return operation.form is not None or any(field.is_required() for field in fields)


def _parameters(
    rule: Rule, method: str, operation: Operation, schemas: Schemas
) -> Iterator[Document]:
    names = [*_VARIABLE.findall(rule.rule), "X-Request-ID"]
    if is_conditional(method, operation.success):
        names.append("If-None-Match")
    if operation.success.has_ranges:
        names.append("Range")
    for name in (*names, *operation.parameters):
        yield {"$ref": f"#/components/parameters/{name}"}
    if operation.query:
        fields = schemas.fields(operation.query)
        for name, schema in fields["properties"].items():
            yield {
                "name": name,
                "in": "query",
                "required": name in fields["required"],
                "schema": schema,
                "example": schemas.example(schema),
            }


def _form(form: Form, schemas: Schemas) -> Document:
    fields = schemas.fields(form.fields) if form.fields else {"properties": {}, "required": []}
    return {
        "type": "object",
        "properties": {**fields["properties"], "file": _PDF},
        "required": [*fields["required"], "file"],
    }


def _head(get: Document) -> Document:
    """The same without bodies."""
    without_bodies = {
        status: {name: value for name, value in response.items() if name != "content"}
        for status, response in get["responses"].items()
    }
    return {**get, "operationId": f"{get['operationId']}_head", "responses": without_bodies}
