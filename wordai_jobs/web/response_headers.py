"""The headers of every response: CORS, caching, and `nosniff` against guessed media types."""

import re
from collections.abc import Mapping
from typing import Any
from wsgiref.types import WSGIEnvironment

from flask import Flask, Response, request
from flask_cors import CORS
from flask_cors.core import get_cors_headers, get_cors_options
from werkzeug.datastructures import Headers
from werkzeug.http import generate_etag, parse_etags, quote_etag

# Browsers hide all but a few headers from pages on other origins, unless they are listed here.
_EXPOSED = [
    "ETag",
    "Location",
    "Retry-After",
    "X-Request-ID",
    "X-Queue-Position",
    "Idempotency-Replayed",
    "WWW-Authenticate",
    "Content-Disposition",
    "Content-Range",
    "Accept-Ranges",
]
_ALLOWED = [
    "Authorization",
    "Content-Type",
    "If-None-Match",
    "Idempotency-Key",
    "X-Request-ID",
    "Range",
]
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_PREFLIGHT_MAX_AGE_S = 7200
_OF_ALL = {"X-Content-Type-Options": "nosniff", "Vary": "Origin"}


class CommonHeaders:
    """The headers that every response to a GET from the same origin has, worked out in advance."""

    def __init__(self, app: Flask, origins: tuple[str, ...]) -> None:
        """`origins`: whose pages may read responses."""
        options = get_cors_options(app, _cors_options(origins))
        self._of_origin: dict[str, Mapping[str, str]] = {}
        for origin in origins:
            cors = get_cors_headers(options, Headers({"Origin": origin}), "GET")
            self._of_origin[origin] = {
                **{name: str(value) for name, value in cors.items()},
                **_OF_ALL,
            }

    def of(self, origin: str | None) -> Mapping[str, str]:
        """`origin`: the `Origin` header of the request."""
        return self._of_origin.get(origin or "", _OF_ALL)


def register(app: Flask, origins: tuple[str, ...]) -> None:
    """Add the headers to every response of the application, errors and preflights included."""

    @app.after_request
    def complete(response: Response) -> Response:
        headers = response.headers
        headers["X-Content-Type-Options"] = "nosniff"
        if "Vary" in headers:
            response.vary.add("Origin")
        else:
            headers["Vary"] = "Origin"
        if response.mimetype == "application/json" and not response.is_streamed:
            if response.status_code == 200 and request.method in ("GET", "HEAD"):
                caching, is_unchanged = for_caching(response.get_data(), request.environ)
                headers.update(caching)
                response.status_code = 304 if is_unchanged else 200
            else:
                headers["Cache-Control"] = "no-store"
        return response

    @app.before_request
    def answer_preflight() -> Response | None:
        """Before authentication, which a preflight never has, and for unknown paths too: their 404
        must be readable.
        """
        is_preflight = (
            request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        )
        return Response(status=204) if is_preflight else None

    if origins:
        CORS(app, **_cors_options(origins))


def for_caching(body: bytes, environ: WSGIEnvironment) -> tuple[dict[str, str], bool]:
    """Clients may keep the body, but must ask whether it is still current.

    The headers that tell them so, and whether this request has asked, and the body is unchanged.
    """
    etag = generate_etag(body)
    known = environ.get("HTTP_IF_NONE_MATCH")
    is_unchanged = known is not None and parse_etags(known).contains_weak(etag)
    return {"Cache-Control": "no-cache", "ETag": quote_etag(etag)}, is_unchanged


def _cors_options(origins: tuple[str, ...]) -> dict[str, Any]:
    return {
        # As patterns: flask-cors would take brackets, as in http://[::1], for a pattern.
        "origins": [re.compile(re.escape(origin) + r"\Z") for origin in origins],
        "supports_credentials": True,
        "expose_headers": _EXPOSED,
        "allow_headers": _ALLOWED,
        "methods": _METHODS,
        "max_age": _PREFLIGHT_MAX_AGE_S,
        "vary_header": True,
    }
