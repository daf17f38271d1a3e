"""Search in the text of the caller's chapters."""

import base64
import binascii
from dataclasses import astuple

import orjson
from flask import Blueprint, Response, jsonify
from pydantic import TypeAdapter, ValidationError

from wordai_jobs.errors import Invalid
from wordai_jobs.library.search import Place, Scope
from wordai_jobs.search.query import Query
from wordai_jobs.web.authentication import authenticate, user_id
from wordai_jobs.web.openapi.errors import SEARCH_ERRORS
from wordai_jobs.web.openapi.operation import Operation, Success
from wordai_jobs.web.request_bodies import SearchQuery, query
from wordai_jobs.web.response_bodies.fields import body_of
from wordai_jobs.web.response_bodies.search import HitBody, HitListBody
from wordai_jobs.web.services import services

_FIELDS = TypeAdapter(tuple[int, str, int, int, str, int])

blueprint = Blueprint("search", __name__, url_prefix="/api/v1/search")
blueprint.before_request(authenticate)


@blueprint.get("")
@Operation(
    "Search in a chapter, a book or all of the caller's books",
    Success(200, "Pages that have all words; the last word may be incomplete", HitListBody),
    SEARCH_ERRORS,
    query=SearchQuery,
)
def search() -> Response:
    wanted = query(SearchQuery)
    after = _read_cursor(wanted.cursor) if wanted.cursor else None
    scope = Scope(user_id(), wanted.book_id, wanted.chapter_id)
    found = services().search.search(scope, Query(wanted.q), wanted.limit, after)
    hits = [body_of(HitBody, hit) for hit in found.hits]
    return jsonify(HitListBody(hits=hits, next_cursor=_cursor(found.end) if found.end else None))


def _cursor(end: Place) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(astuple(end))).decode().rstrip("=")


def _read_cursor(cursor: str) -> Place:
    """The place that the next slice comes after; raises Invalid."""
    try:
        decoded = base64.urlsafe_b64decode(cursor.encode("ascii") + b"==")
        return Place(*_FIELDS.validate_json(decoded, strict=True))
    except (ValueError, binascii.Error, ValidationError) as error:
        raise Invalid("cursor must be a next_cursor of this search") from error
