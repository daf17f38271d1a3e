"""The OpenAPI document, and a page to read and try it, which loads nothing from other servers."""

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, send_file

from wordai_jobs.errors import NotFound
from wordai_jobs.web.openapi.document import build
from wordai_jobs.web.openapi.operation import Operation, Success
from wordai_jobs.web.response_bodies.server import OpenApiBody

_STATIC = Path(__file__).resolve().parents[1] / "static"
_PAGE = _STATIC / "docs" / "index.html"
_FILES = {
    "docs.css": (_STATIC / "docs" / "docs.css", "text/css"),
    "docs.js": (_STATIC / "docs" / "docs.js", "text/javascript"),
    "openapi-explorer.min.js": (
        _STATIC / "vendor" / "openapi-explorer" / "openapi-explorer.min.js",
        "text/javascript",
    ),
}
# The explorer writes inline styles, so these are allowed; scripts are this server's own files only.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_BUILT = "wordai_jobs.openapi"

blueprint = Blueprint("docs", __name__)


@blueprint.get("/openapi.json")
@Operation("Get this document", Success(200, "OpenAPI 3.1", OpenApiBody), access="open")
def document() -> Response:
    built: dict[str, Any] | None = current_app.extensions.get(_BUILT)
    if built is None:  # built on the first request, so that the server starts sooner
        built = current_app.extensions[_BUILT] = build(current_app)
    return jsonify(built)


@blueprint.get("/docs")
@Operation(
    "Open the web page that shows this document and sends requests",
    Success(
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
    "Get a file of that web page",
    Success(
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
