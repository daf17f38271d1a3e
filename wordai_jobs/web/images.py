"""Page images and thumbnails: for their owner, and for anyone with a signed URL."""

from collections.abc import Callable

from flask import Blueprint, Response, request, send_file

from wordai_jobs.errors import Invalid, NotFound
from wordai_jobs.storage.storage import ImageAddress, ImageFile
from wordai_jobs.web.authentication import authenticate, user_id
from wordai_jobs.web.books import page_number
from wordai_jobs.web.openapi.errors import IMAGE_ERRORS, PAGE_ERRORS
from wordai_jobs.web.openapi.operation import Operation, Success
from wordai_jobs.web.services import services

_MOST_DIGITS = 4
# An image never changes, as a chapter's id names one rendering. Caches that several users share
# must not keep it.
_CACHE_CONTROL = "private, max-age=31536000, immutable"

Find = Callable[[str, int], ImageFile | ImageAddress | None]

# This key of the WSGI environment has a function that returns whether the client is gone. Not every
# HTTP server has it.
CLIENT_IS_GONE_KEY = "wordai_jobs.client_is_gone"

blueprint = Blueprint("images", __name__, url_prefix="/api/v1/books")


@blueprint.get("/<book_id>/chapters/<chapter_id>/pages/<n>/image")
@Operation(
    "Get the image of a page, as its owner or with a signed URL",
    Success(
        200,
        "The image; it never changes",
        media_types=("image/png", "image/jpeg"),
        headers=("ETag", "Cache-Control"),
        has_ranges=True,
        may_redirect=True,
    ),
    IMAGE_ERRORS,
    parameters=("dpi", "expires", "signature"),
    access="token or signature",
)
def image(book_id: str, chapter_id: str, n: str) -> Response:
    _check_access(book_id, chapter_id)
    if "dpi" in request.args:
        with services().images.image(chapter_id, page_number(n), _dpi(), _is_wanted) as found:
            if found:
                return _send_file(found)
    return _send_stored(chapter_id, n, services().storage.pages.image)


@blueprint.get("/<book_id>/chapters/<chapter_id>/pages/<n>/thumbnail")
@Operation(
    "Get a small image of a page, as its owner or with a signed URL",
    Success(
        200,
        "The image, 160 to 200 pixels wide; it never changes. A page that a release without "
        "thumbnails has rendered has its full image here",
        media_types=("image/jpeg", "image/png"),
        headers=("ETag", "Cache-Control"),
        has_ranges=True,
        may_redirect=True,
    ),
    PAGE_ERRORS,
    parameters=("expires", "signature"),
    access="token or signature",
)
def thumbnail(book_id: str, chapter_id: str, n: str) -> Response:
    _check_access(book_id, chapter_id)
    return _send_stored(chapter_id, n, services().storage.pages.thumbnail)


def _check_access(book_id: str, chapter_id: str) -> None:
    """The URL is signed, or the caller is the owner."""
    expires, signature = request.args.get("expires", ""), request.args.get("signature", "")
    if not (signature and services().signer.is_valid(request.path, expires, signature)):
        authenticate()
        _check_owner(book_id, chapter_id)


def _send_stored(chapter_id: str, n: str, find: Find) -> Response:
    try:
        return _send(find(chapter_id, page_number(n)), n)
    except FileNotFoundError:  # the chapter was published just now, which has moved the file
        return _send(find(chapter_id, page_number(n)), n)


def _send(found: ImageFile | ImageAddress | None, n: str) -> Response:
    if found is None:
        raise NotFound("page", n)
    if isinstance(found, ImageAddress):
        response = Response(status=302, headers={"Location": found.url})
        response.headers["Cache-Control"] = f"private, max-age={found.same_for_s}"
        return response
    return _send_file(found)


def _send_file(image: ImageFile) -> Response:
    response = send_file(image.path, mimetype=image.media_type, conditional=True, etag=True)
    response.headers["Cache-Control"] = _CACHE_CONTROL
    return response


def _dpi() -> int:
    text = request.args["dpi"]
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise Invalid("dpi must be a number")
    return int(text)


def _is_wanted() -> bool:
    is_gone: Callable[[], bool] | None = request.environ.get(CLIENT_IS_GONE_KEY)
    return is_gone is None or not is_gone()


def _check_owner(book_id: str, chapter_id: str) -> None:
    """Raises NotFound or AccessDenied unless the chapter, or the running job that will make it, is
    the caller's.
    """
    services().books.get(book_id, user_id())
    try:
        services().books.chapter(book_id, chapter_id, user_id())
    except NotFound:
        job = services().jobs.of_chapter(chapter_id, user_id())
        if job is None or job.book_id != book_id:
            raise
