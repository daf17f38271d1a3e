"""Books, their chapters and pages."""

from flask import Blueprint, Response, jsonify

from wordai_jobs.errors import NotFound
from wordai_jobs.web.answers import (
    BookAnswer,
    BookListAnswer,
    ChapterListAnswer,
    ChapterWithPagesAnswer,
    PageContentAnswer,
)
from wordai_jobs.web.context import authenticate, services, user_id
from wordai_jobs.web.openapi.common import OF_BOOK, OF_CHAPTER, OF_JSON, OF_PAGE
from wordai_jobs.web.openapi.operation import Answer, Operation
from wordai_jobs.web.schemas import NewBook, json_body
from wordai_jobs.web.views import (
    book_view,
    chapter_view,
    chapter_with_pages_view,
    page_content_view,
)

_MOST_DIGITS = 6

blueprint = Blueprint("books", __name__, url_prefix="/api/v1/books")
blueprint.before_request(authenticate)


@blueprint.post("")
@Operation(
    "Make a book", Answer(201, "The book", BookAnswer, headers=("Location",)), OF_JSON, json=NewBook
)
def create() -> tuple[Response, int]:
    book = services().books.add(user_id(), json_body(NewBook).title)
    response = jsonify(book_view(book))
    response.headers["Location"] = f"/api/v1/books/{book.book_id}"
    return response, 201


@blueprint.get("")
@Operation("The caller's books", Answer(200, "Newest first", BookListAnswer))
def list_books() -> Response:
    return jsonify({"books": [book_view(book) for book in services().books.of_user(user_id())]})


@blueprint.get("/<book_id>")
@Operation("A book", Answer(200, "The book", BookAnswer), OF_BOOK)
def get(book_id: str) -> Response:
    return jsonify(book_view(services().books.get(book_id, user_id())))


@blueprint.get("/<book_id>/chapters")
@Operation(
    "The chapters of a book",
    Answer(200, "In their order, without pages", ChapterListAnswer),
    OF_BOOK,
)
def list_chapters(book_id: str) -> Response:
    chapters = services().books.chapters(book_id, user_id())
    return jsonify({"chapters": [chapter_view(chapter) for chapter in chapters]})


@blueprint.get("/<book_id>/chapters/<chapter_id>")
@Operation(
    "A chapter with its pages", Answer(200, "The chapter", ChapterWithPagesAnswer), OF_CHAPTER
)
def get_chapter(book_id: str, chapter_id: str) -> Response:
    chapter = services().books.chapter_with_pages(book_id, chapter_id, user_id())
    return jsonify(chapter_with_pages_view(chapter, services().signer))


@blueprint.delete("/<book_id>/chapters/<chapter_id>")
@Operation("Remove a chapter and its page files", Answer(204, "It is gone"), OF_CHAPTER)
def delete_chapter(book_id: str, chapter_id: str) -> tuple[str, int]:
    services().books.remove_chapter(book_id, chapter_id, user_id())
    return "", 204


@blueprint.get("/<book_id>/chapters/<chapter_id>/pages/<n>")
@Operation("A page with its text and words", Answer(200, "The page", PageContentAnswer), OF_PAGE)
def get_page(book_id: str, chapter_id: str, n: str) -> Response:
    content = services().books.page(book_id, chapter_id, page_number(n), user_id())
    return jsonify(page_content_view(content, book_id, chapter_id, services().signer))


def page_number(text: str) -> int:
    """The page number in an address; raises NotFound for what is none."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS and int(text) >= 1):
        raise NotFound("page", text)
    return int(text)
