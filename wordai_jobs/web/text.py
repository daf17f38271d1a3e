"""The whole text of a chapter, sent page by page."""

from collections.abc import Iterator
from itertools import chain

from flask import Blueprint, Response, request

from wordai_jobs.web.authentication import authenticate, user_id
from wordai_jobs.web.json import encoded
from wordai_jobs.web.openapi.errors import AWAY, CHAPTER_ERRORS
from wordai_jobs.web.openapi.operation import Operation, Success
from wordai_jobs.web.response_bodies.pages import ChapterTextBody, PageTextBody
from wordai_jobs.web.services import services

_PLAIN, _JSON = "text/plain", "application/json"
# As pdftotext does.
_END_OF_PAGE = "\n\f"
# Another number for another text from the same pages.
_FORMAT = 1

blueprint = Blueprint("text", __name__, url_prefix="/api/v1/books")
blueprint.before_request(authenticate)


@blueprint.get("/<book_id>/chapters/<chapter_id>/text")
@Operation(
    "Get the text of a chapter: plain text, or JSON if `Accept` asks for it",
    Success(
        200,
        "The text of all pages; in plain text, a form feed ends each",
        ChapterTextBody,
        media_types=(_PLAIN,),
    ),
    {**CHAPTER_ERRORS, 503: AWAY},
)
def chapter_text(book_id: str, chapter_id: str) -> Response:
    texts = services().books.texts(book_id, chapter_id, user_id())
    # The first page is read before the response begins: if storage is away, that is an error.
    texts = chain([next(texts, "")], texts)
    is_json = request.accept_mimetypes.best_match((_PLAIN, _JSON)) == _JSON
    response = Response(
        _as_json(texts) if is_json else (f"{text}{_END_OF_PAGE}" for text in texts),
        content_type=_JSON if is_json else f"{_PLAIN}; charset=utf-8",
    )
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept")
    response.set_etag(f"{chapter_id}-{'json' if is_json else 'text'}-{_FORMAT}")
    # To find out its length, werkzeug would read all of it into memory.
    response.automatically_set_content_length = False
    response.make_conditional(request)
    return response


def _as_json(texts: Iterator[str]) -> Iterator[bytes]:
    separator = b'{"pages":['
    for number, text in enumerate(texts, 1):
        yield separator + encoded(PageTextBody(page_number=number, text=text))
        separator = b","
    yield b"]}"
