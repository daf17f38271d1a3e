"""Turns every error into a response `{"detail": …}`. Their messages are in `wordai_jobs.errors`."""

import logging
from typing import cast

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from wordai_jobs.errors import FULL_DISK, AppError, FieldTooLarge, StorageFull, UploadTooLarge
from wordai_jobs.web.request_bodies import MAX_FIELDS_MB
from wordai_jobs.web.response_bodies.server import ErrorBody

# If the HTTP server has refused a request before the application saw it, this key of the WSGI
# environment holds the status.
REFUSED_KEY = "wordai_jobs.refused"

_MESSAGES = {
    400: "Bad request",
    404: "Not found",
    405: "Method not allowed",
    408: "The request took too long to arrive",
    414: "The address is too long",
    415: "Unsupported media type",
    416: "The range is not in the file",
    431: "The request's headers are too large",
    501: "Not supported",
}

logger = logging.getLogger(__name__)


class RefusedByServer(AppError):
    """The HTTP server could not accept the request."""

    def __init__(self, status: int) -> None:
        super().__init__(_MESSAGES.get(status, "Bad request"))
        self.status = status


def register(app: Flask, max_upload_mb: int) -> None:
    """Let every error of the application become a response of the one shape."""

    @app.before_request
    def refuse() -> None:
        status = request.environ.get(REFUSED_KEY)
        if status:
            raise _refusal(status, max_upload_mb)

    @app.errorhandler(AppError)
    def app_error(error: AppError) -> Response:
        if error.status >= 500:
            logger.error("%s %s: %s", request.method, request.path, error.detail)
        return _response(error.status, error.detail, error.headers)

    @app.errorhandler(RequestEntityTooLarge)
    def field_too_large(error: RequestEntityTooLarge) -> Response:
        """Werkzeug raises this for a form field larger than MAX_FORM_MEMORY_SIZE."""
        return app_error(FieldTooLarge(MAX_FIELDS_MB))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        code = error.code or 500
        if code < 400:  # a redirect is not an error
            return cast(Response, error.get_response())
        headers = {
            name: value for name, value in error.get_headers() if name in ("Allow", "Content-Range")
        }
        return _response(code, _MESSAGES.get(code, error.name), headers)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        if isinstance(error, OSError) and error.errno in FULL_DISK:  # a form fills temporary files
            return app_error(StorageFull())
        logger.error("%s %s failed", request.method, request.path, exc_info=error)
        return _response(500, "Internal server error", {})


def _refusal(status: int, max_upload_mb: int) -> AppError:
    if status == 413:
        return UploadTooLarge(max_upload_mb)
    return StorageFull() if status == 507 else RefusedByServer(status)


def _response(status: int, detail: str, headers: dict[str, str]) -> Response:
    response = jsonify(ErrorBody(detail=detail))
    response.status_code = status
    response.headers.update(headers)
    return response
