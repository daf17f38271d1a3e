"""Where the caller has stopped reading."""

from flask import Blueprint, Response, jsonify

from wordai_jobs.web.authentication import authenticate, user_id
from wordai_jobs.web.openapi.errors import CHAPTER_ERRORS, JSON_ERRORS
from wordai_jobs.web.openapi.operation import Operation, Success
from wordai_jobs.web.request_bodies import NewPosition, json_body
from wordai_jobs.web.response_bodies.books import ReadingListBody, reading_body
from wordai_jobs.web.services import services

blueprint = Blueprint("reading", __name__, url_prefix="/api/v1")
blueprint.before_request(authenticate)


@blueprint.put("/books/<book_id>/chapters/<chapter_id>/position")
@Operation(
    "Record the page at which the caller stops reading",
    Success(204, "It is recorded"),
    {**JSON_ERRORS, **CHAPTER_ERRORS, 422: "page_number must be from 1 to 283"},
    json=NewPosition,
)
def put_position(book_id: str, chapter_id: str) -> tuple[str, int]:
    page_number = json_body(NewPosition).page_number
    services().reading.put(book_id, chapter_id, page_number, user_id())
    return "", 204


@blueprint.get("/reading")
@Operation(
    "List the chapters that the caller has read most recently",
    Success(200, "Up to 20 chapters, the most recently read one first", ReadingListBody),
)
def list_reading() -> Response:
    found = services().reading.latest(user_id())
    return jsonify(ReadingListBody(positions=[reading_body(each) for each in found]))
