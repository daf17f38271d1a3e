"""JSON as the API writes it: compact, UTF-8, keys in their order, times in one format."""

import json
from datetime import datetime
from typing import Any

import orjson
from flask.json.provider import JSONProvider

from wordai_jobs.clock import isoformat


class OrjsonProvider(JSONProvider):
    """Writes with orjson, five times as fast as the standard library.

    Reads with the standard library, which takes everything that JSON allows, such as huge numbers;
    `request_bodies` then says which field is wrong.
    """

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return encoded(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return json.loads(s, **kwargs)

    def response(self, *args: Any, **kwargs: Any) -> Any:
        body: Any = encoded(self._prepare_response_obj(args, kwargs))
        return self._app.response_class(body, mimetype="application/json")


def encoded(value: Any) -> bytes:
    return orjson.dumps(value, _plain, orjson.OPT_PASSTHROUGH_DATETIME)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return isoformat(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
