"""The document for one application: it describes the addresses that this application has."""

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from pydantic import BaseModel
from werkzeug.routing import Rule

from wordai_jobs import __version__
from wordai_jobs.web.answers import ErrorAnswer
from wordai_jobs.web.openapi.body import request_body
from wordai_jobs.web.openapi.headers import PATH_PARAMETERS, REQUEST_PARAMETERS, RESPONSE_HEADERS
from wordai_jobs.web.openapi.operation import Operation, operation_of
from wordai_jobs.web.openapi.responses import is_revalidated, responses
from wordai_jobs.web.openapi.schemas import Schemas

_DESCRIPTION = """\
Turns uploaded PDFs into chapters of books, as jobs that clients poll: upload a PDF, enqueue a job for a chapter of a book,
ask for the job every `Retry-After` seconds until it is `completed` or `failed`, read the chapter.

Every error is `{"detail": "…"}` and nothing else. Pages on the configured origins may read every answer, errors included.
"""
_SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "token": [{"bearer": []}],
    "open": [],
    "token or signature": [{"bearer": []}, {}],
}
_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

Document = dict[str, Any]
Described = tuple[Rule, str, Operation]


def build(app: Flask) -> Document:
    """The whole document; raises LookupError for an address whose view does not describe itself."""
    described = list(_described(app))
    schemas = Schemas(_requests(described), _answers(described))
    paths: dict[str, Any] = {}
    for rule, method, operation in described:
        path = paths.setdefault(_path(rule), {})
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
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "headers": RESPONSE_HEADERS,
            "parameters": {**PATH_PARAMETERS, **REQUEST_PARAMETERS},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A Firebase ID token; in mode dev, a token from `POST /dev/token`",
                }
            },
        },
    }


def _described(app: Flask) -> Iterator[Described]:
    """Every address and method, in the order of the addresses."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = operation_of(app.view_functions[rule.endpoint])
        if operation is None:
            raise LookupError(
                f"{rule.rule} ({rule.endpoint}) is not described: it needs @Operation"
            )
        for method in _METHODS:
            if method in (rule.methods or ()):
                yield rule, method, operation


def _requests(described: list[Described]) -> set[type[BaseModel]]:
    return {
        kind
        for _, _, it in described
        for kind in (it.json, it.query, it.form and it.form.fields)
        if kind
    }


def _answers(described: list[Described]) -> set[type]:
    return {it.answer.body for _, _, it in described if it.answer.body} | {ErrorAnswer}


def _operation(rule: Rule, method: str, operation: Operation, schemas: Schemas) -> Document:
    described: Document = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": operation.summary,
        "tags": [rule.endpoint.split(".")[0]],
        "security": _SECURITY[operation.access],
        "parameters": list(_parameters(rule, method, operation, schemas)),
    }
    body = request_body(operation, schemas)
    if body:
        described["requestBody"] = body
    described["responses"] = responses(method, operation, schemas)
    return described


def _parameters(
    rule: Rule, method: str, operation: Operation, schemas: Schemas
) -> Iterator[Document]:
    names = [*_VARIABLE.findall(rule.rule), "X-Request-ID"]
    if is_revalidated(method, operation.answer):
        names.append("If-None-Match")
    if operation.answer.has_parts:
        names.append("Range")
    for name in (*names, *operation.parameters):
        yield {"$ref": f"#/components/parameters/{name}"}
    if operation.query:
        fields, example = schemas.fields(operation.query), schemas.example(operation.query)
        for name, schema in fields["properties"].items():
            required = name in fields["required"]
            yield {
                "name": name,
                "in": "query",
                "required": required,
                "schema": schema,
                "example": example[name],
            }


def _head(get: Document) -> Document:
    """The same without bodies."""
    answers = {
        status: {name: value for name, value in answer.items() if name != "content"}
        for status, answer in get["responses"].items()
    }
    return {**get, "operationId": f"{get['operationId']}_head", "responses": answers}


def _path(rule: Rule) -> str:
    return _VARIABLE.sub(r"{\1}", rule.rule)
