"""Which `Range` headers are served. All others are ignored, and the whole file is sent."""

import re
from collections.abc import Mapping
from typing import Any

from flask import Response
from werkzeug.http import parse_range_header
from werkzeug.wrappers import Request
from werkzeug.wrappers import Response as AnyResponse

# Werkzeug refuses this one with 416, as RFC 9110 wants it, but cannot parse it.
_EMPTY_SUFFIX = re.compile(r"bytes=-0+", re.IGNORECASE)


class RangeResponse(Response):
    """Serves one range of bytes. Werkzeug alone answers 416 to every other `Range`, though only a
    range past the end deserves that (RFC 9110, 14.2).
    """

    def make_conditional(
        self,
        request_or_environ: dict[str, Any] | Request,
        accept_ranges: bool | str = False,
        complete_length: int | None = None,
    ) -> AnyResponse:
        environ = request_or_environ
        if isinstance(environ, Request):
            environ = environ.environ
        if "HTTP_RANGE" in environ and not _is_served(environ, complete_length or 0):
            environ = {name: value for name, value in environ.items() if name != "HTTP_RANGE"}
        return super().make_conditional(environ, accept_ranges, complete_length)


def _is_served(environ: Mapping[str, Any], length: int) -> bool:
    """Whether the `Range` of the request counts for a file of `length` bytes."""
    if environ["REQUEST_METHOD"] != "GET":
        return False
    value = environ["HTTP_RANGE"]
    parsed = parse_range_header(value)
    if parsed is None:
        return _EMPTY_SUFFIX.fullmatch(value) is not None
    first = parsed.ranges[0][0]  # negative if the range is counted from the end
    return parsed.units == "bytes" and len(parsed.ranges) == 1 and first + length >= 0
