"""Books, their chapters and pages."""

from flask import Blueprint, Response, jsonify

from wordai_jobs.errors import NotFound
from wordai_jobs.web.authentication import authenticate, user_id
from wordai_jobs.web.openapi.errors import BOOK_ERRORS, CHAPTER_ERRORS, JSON_ERRORS, PAGE_ERRORS
from wordai_jobs.web.openapi.operation import Operation, Success
from wordai_jobs.web.request_bodies import NewBook, json_body
from wordai_jobs.web.response_bodies import (
    BookBody,
    BookListBody,
    ChapterBody,
    ChapterListBody,
    ChapterWithPagesBody,
    PageContentBody,
    body_of,
    chapter_with_pages_body,
    page_content_body,
)
from wordai_jobs.web.services import services

_MOST_DIGITS = 6

blueprint = Blueprint("books", __name__, url_prefix="/api/v1/books")
blueprint.before_request(authenticate)


@blueprint.post("")
@Operation(
    "Create a book",
    Success(201, "The book", BookBody, headers=("Location",)),
    JSON_ERRORS,
    json=NewBook,
)
def create() -> tuple[Response, int]:
    book = services().books.add(user_id(), json_body(NewBook).title)
    response = jsonify(body_of(BookBody, book))
    response.headers["Location"] = f"/api/v1/books/{book.book_id}"
    return response, 201


@blueprint.get("")
@Operation("List the caller's books", Success(200, "Newest first", BookListBody))
def list_books() -> Response:
    books = services().books.of_user(user_id())
    return jsonify(BookListBody(books=[body_of(BookBody, book) for book in books]))


@blueprint.get("/<book_id>")
@Operation("Get a book", Success(200, "The book", BookBody), BOOK_ERRORS)
def get(book_id: str) -> Response:
    return jsonify(body_of(BookBody, services().books.get(book_id, user_id())))


@blueprint.get("/<book_id>/chapters")
@Operation(
    "List the chapters of a book",
    Success(200, "In their order, without pages", ChapterListBody),
    BOOK_ERRORS,
)
def list_chapters(book_id: str) -> Response:
    chapters = services().books.chapters(book_id, user_id())
    return jsonify(ChapterListBody(chapters=[body_of(ChapterBody, each) for each in chapters]))


@blueprint.get("/<book_id>/chapters/<chapter_id>")
@Operation(
    "Get a chapter with its pages",
    Success(200, "The chapter", ChapterWithPagesBody),
    CHAPTER_ERRORS,
)
def get_chapter(book_id: str, chapter_id: str) -> Response:
    chapter = services().books.chapter_with_pages(book_id, chapter_id, user_id())
    return jsonify(chapter_with_pages_body(chapter, services().signer))


@blueprint.delete("/<book_id>/chapters/<chapter_id>")
@Operation("Delete a chapter and its page files", Success(204, "It is deleted"), CHAPTER_ERRORS)
def delete_chapter(book_id: str, chapter_id: str) -> tuple[str, int]:
    services().books.remove_chapter(book_id, chapter_id, user_id())
    return "", 204


@blueprint.get("/<book_id>/chapters/<chapter_id>/pages/<n>")
@Operation(
    "Get a page with its text and words", Success(200, "The page", PageContentBody), PAGE_ERRORS
)
def get_page(book_id: str, chapter_id: str, n: str) -> Response:
    content = services().books.page(book_id, chapter_id, page_number(n), user_id())
    return jsonify(page_content_body(content, book_id, chapter_id, services().signer))


def page_number(text: str) -> int:
    """The page number in a URL; raises NotFound if it is not one."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS and int(text) >= 1):
        raise NotFound("page", text)
    return int(text)
