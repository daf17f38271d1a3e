"""The OpenAPI document, and a page to read and try it that needs nothing from elsewhere."""

from pathlib import Path
from typing import Any, cast

from flask import Blueprint, Response, current_app, jsonify, send_file

from wordai_jobs.errors import NotFound
from wordai_jobs.web.answers import DocumentAnswer
from wordai_jobs.web.openapi.document import build
from wordai_jobs.web.openapi.operation import Answer, Operation

_STATIC = Path(__file__).resolve().parents[1] / "static"
_PAGE = _STATIC / "docs" / "index.html"
_FILES = {
    "docs.css": (_STATIC / "docs" / "docs.css", "text/css"),
    "openapi-explorer.min.js": (
        _STATIC / "vendor" / "openapi-explorer" / "openapi-explorer.min.js",
        "text/javascript",
    ),
}
# The explorer styles its elements inline, so styles may be; scripts are this server's own files and
# nothing else.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_BUILT = "wordai_jobs.openapi"

blueprint = Blueprint("docs", __name__)


@blueprint.get("/openapi.json")
@Operation("This document", Answer(200, "OpenAPI 3.1", DocumentAnswer), access="open")
def document() -> Response:
    return jsonify(_document())


@blueprint.get("/docs")
@Operation(
    "A page to read and try all of this",
    Answer(
        200,
        "The page",
        media_types=("text/html",),
        headers=("ETag", "Cache-Control", "Content-Security-Policy"),
    ),
    access="open",
)
def page() -> Response:
    response = send_file(_PAGE, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@blueprint.get("/docs/<name>")
@Operation(
    "The page's files",
    Answer(
        200,
        "The file",
        media_types=("text/javascript", "text/css"),
        headers=("ETag", "Cache-Control"),
    ),
    {404: "File x.js not found"},
    access="open",
)
def file(name: str) -> Response:
    if name not in _FILES:
        raise NotFound("file", name)
    path, media_type = _FILES[name]
    return send_file(path, mimetype=media_type)


def _document() -> dict[str, Any]:
    """Built when it is first asked for: a server that nobody asks starts sooner."""
    if _BUILT not in current_app.extensions:
        current_app.extensions[_BUILT] = build(current_app)
    return cast(dict[str, Any], current_app.extensions[_BUILT])
