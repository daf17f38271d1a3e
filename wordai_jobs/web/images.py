"""Page images: for their owner, or for whoever holds a signed address."""

from flask import Blueprint, Response, request, send_file

from wordai_jobs.errors import NotFound
from wordai_jobs.web.books import page_number
from wordai_jobs.web.context import authenticate, services, user_id
from wordai_jobs.web.openapi.common import OF_PAGE
from wordai_jobs.web.openapi.operation import Answer, Operation

# An image never changes: a chapter's id names one rendering. Private: caches that people share must
# ask.
_FOR_GOOD = "private, max-age=31536000, immutable"

blueprint = Blueprint("images", __name__, url_prefix="/api/v1/books")


@blueprint.get("/<book_id>/chapters/<chapter_id>/pages/<n>/image")
@Operation(
    "The image of a page, for its owner or for whoever has its signed address",
    Answer(
        200,
        "The image; it never changes",
        media_types=("image/png", "image/jpeg"),
        headers=("ETag", "Cache-Control"),
        has_parts=True,
    ),
    OF_PAGE,
    parameters=("expires", "signature"),
    access="token or signature",
)
def image(book_id: str, chapter_id: str, n: str) -> Response:
    if not _has_valid_signature():
        authenticate()
        _check_owner(book_id, chapter_id)
    found = services().storage.pages.image(chapter_id, page_number(n))
    if found is None:
        raise NotFound("page", n)
    response = send_file(found.path, mimetype=found.media_type, conditional=True, etag=True)
    response.headers["Cache-Control"] = _FOR_GOOD
    return response


def _has_valid_signature() -> bool:
    expires, signature = request.args.get("expires", ""), request.args.get("signature", "")
    return bool(signature) and services().signer.is_valid(request.path, expires, signature)


def _check_owner(book_id: str, chapter_id: str) -> None:
    """The chapter must be the caller's; while its job runs, that is asked of the job."""
    services().books.get(book_id, user_id())
    try:
        services().books.chapter(book_id, chapter_id, user_id())
    except NotFound:
        job = services().jobs.of_chapter(chapter_id, user_id())
        if job is None or job.book_id != book_id:
            raise
