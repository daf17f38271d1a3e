"""The headers of every response: CORS, caching, and `nosniff` against guessed media types."""

import re

from flask import Flask, Response, request
from flask_cors import CORS

# Browsers hide all but a few headers from pages on other origins, unless they are listed here.
_EXPOSED = [
    "ETag",
    "Location",
    "Retry-After",
    "X-Request-ID",
    "X-Queue-Position",
    "Idempotency-Replayed",
    "WWW-Authenticate",
]
_ALLOWED = ["Authorization", "Content-Type", "If-None-Match", "Idempotency-Key", "X-Request-ID"]
_METHODS = ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]
_PREFLIGHT_MAX_AGE_S = 7200


def register(app: Flask, origins: tuple[str, ...]) -> None:
    """Add the headers to every response of the application, errors and preflights included."""

    @app.after_request
    def complete(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        if "Vary" in response.headers:
            response.vary.add("Origin")
        else:
            response.headers["Vary"] = "Origin"
        if response.mimetype == "application/json":
            _set_caching(response)
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
        CORS(
            app,
            # As patterns: flask-cors would take brackets, as in http://[::1], for a pattern.
            origins=[re.compile(re.escape(origin) + r"\Z") for origin in origins],
            supports_credentials=True,
            expose_headers=_EXPOSED,
            allow_headers=_ALLOWED,
            methods=_METHODS,
            max_age=_PREFLIGHT_MAX_AGE_S,
            vary_header=True,
        )


def _set_caching(response: Response) -> None:
    """Clients may keep a body, but must ask whether it is still current: 304 if it is."""
    if response.status_code != 200 or request.method not in ("GET", "HEAD"):
        response.headers["Cache-Control"] = "no-store"
        return
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    if request.headers.get("If-None-Match"):
        response.make_conditional(request)
