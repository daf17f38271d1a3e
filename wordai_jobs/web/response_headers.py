"""The headers of every response: CORS, caching, and `nosniff` against guessed media types."""

from collections.abc import Mapping
from wsgiref.types import WSGIEnvironment

from flask import Flask, Response, request
from werkzeug.http import generate_etag, parse_etags, quote_etag

# Browsers hide all but a few headers from pages on other origins, unless they are listed here.
_EXPOSED = (
    "ETag, Location, Retry-After, X-Request-ID, X-Queue-Position, Idempotency-Replayed, "
    "WWW-Authenticate"
)
# What pages on other origins may send.
_PREFLIGHT = {
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, If-None-Match, Idempotency-Key, X-Request-ID"
    ),
    "Access-Control-Allow-Methods": "GET, HEAD, POST, DELETE, OPTIONS",
    "Access-Control-Max-Age": "7200",
}


class CommonHeaders:
    """The headers that every response to a request from the same origin has."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        """`origins`: whose pages may read responses."""
        self._of_others = {"X-Content-Type-Options": "nosniff", "Vary": "Origin"}
        self._of_origin = {
            origin: {
                **self._of_others,
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Credentials": "true",
                "Access-Control-Expose-Headers": _EXPOSED,
            }
            for origin in origins
        }

    def of(self, origin: str | None) -> Mapping[str, str]:
        """`origin`: the `Origin` header of the request."""
        return self._of_origin.get(origin or "", self._of_others)


def register(app: Flask, common: CommonHeaders) -> None:
    """Add the headers to every response of the application, errors and preflights included."""

    @app.after_request
    def complete(response: Response) -> Response:
        headers, added = response.headers, common.of(request.headers.get("Origin"))
        vary = headers.get("Vary")
        headers.update(added)
        if vary:
            headers["Vary"] = f"{vary}, {added['Vary']}"
        if _is_preflight() and "Access-Control-Allow-Origin" in added:
            headers.update(_PREFLIGHT)
        if response.mimetype == "application/json":
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
        return Response(status=204) if _is_preflight() else None


def for_caching(body: bytes, environ: WSGIEnvironment) -> tuple[dict[str, str], bool]:
    """Clients may keep the body, but must ask whether it is still current.

    The headers that tell them so, and whether this request has asked, and the body is unchanged.
    """
    etag = generate_etag(body)
    known = environ.get("HTTP_IF_NONE_MATCH")
    is_unchanged = known is not None and parse_etags(known).contains_weak(etag)
    return {"Cache-Control": "no-cache", "ETag": quote_etag(etag)}, is_unchanged


def _is_preflight() -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
