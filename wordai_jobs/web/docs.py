"""The OpenAPI document, and a page to read and try it."""

from typing import Any, cast

from flask import Blueprint, Response, current_app, jsonify

from wordai_jobs.web.answers import DocumentAnswer
from wordai_jobs.web.openapi.document import build
from wordai_jobs.web.openapi.operation import Answer, operation

_BUILT = "wordai_jobs.openapi"

blueprint = Blueprint("docs", __name__)


@blueprint.get("/openapi.json")
@operation("This document", Answer(200, "OpenAPI 3.1", DocumentAnswer), access="open")
def document() -> Response:
    return jsonify(_document())


def _document() -> dict[str, Any]:
    """Built when it is first asked for: a server that nobody asks starts sooner."""
    if _BUILT not in current_app.extensions:
        current_app.extensions[_BUILT] = build(current_app)
    return cast(dict[str, Any], current_app.extensions[_BUILT])
