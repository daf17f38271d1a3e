"""Books, their chapters and pages."""

from flask import Blueprint, Response, jsonify

from wordai_jobs.errors import NotFound
from wordai_jobs.web.authentication import authenticate, user_id
from wordai_jobs.web.openapi.errors import BOOK_ERRORS, CHAPTER_ERRORS, JSON_ERRORS, PAGE_ERRORS
from wordai_jobs.web.openapi.operation import Operation, Success
from wordai_jobs.web.request_bodies import BookChanges, ChapterChanges, NewBook, json_body
from wordai_jobs.web.response_bodies.books import (
    BookBody,
    BookListBody,
    ChapterBody,
    ChapterListBody,
    ChapterWithPagesBody,
    chapter_body,
    chapter_with_pages_body,
)
from wordai_jobs.web.response_bodies.fields import body_of
from wordai_jobs.web.response_bodies.pages import PageContentBody, page_content_body
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


@blueprint.patch("/<book_id>")
@Operation(
    "Change the title of a book",
    Success(200, "The book", BookBody),
    {**JSON_ERRORS, **BOOK_ERRORS},
    json=BookChanges,
)
def change(book_id: str) -> Response:
    title = json_body(BookChanges).title
    return jsonify(body_of(BookBody, services().books.rename(book_id, title, user_id())))


@blueprint.delete("/<book_id>")
@Operation(
    "Delete a book with its chapters; its unfinished jobs are cancelled",
    Success(204, "It is deleted"),
    BOOK_ERRORS,
)
def delete(book_id: str) -> tuple[str, int]:
    services().book_removal.delete(services().books.get(book_id, user_id()))
    return "", 204


@blueprint.get("/<book_id>/chapters")
@Operation(
    "List the chapters of a book",
    Success(200, "In their order, without pages", ChapterListBody),
    BOOK_ERRORS,
)
def list_chapters(book_id: str) -> Response:
    chapters = services().books.chapters(book_id, user_id())
    positions = services().reading.in_book(book_id, user_id())
    bodies = [chapter_body(each, positions.get(each.chapter_id)) for each in chapters]
    return jsonify(ChapterListBody(chapters=bodies))


@blueprint.get("/<book_id>/chapters/<chapter_id>")
@Operation(
    "Get a chapter with its pages",
    Success(200, "The chapter", ChapterWithPagesBody),
    CHAPTER_ERRORS,
)
def get_chapter(book_id: str, chapter_id: str) -> Response:
    chapter = services().books.chapter_with_pages(book_id, chapter_id, user_id())
    position = services().reading.in_chapter(chapter)
    return jsonify(chapter_with_pages_body(chapter, position, services().signer))


@blueprint.patch("/<book_id>/chapters/<chapter_id>")
@Operation(
    "Change fields of a chapter",
    Success(200, "The chapter, without its pages", ChapterBody),
    {
        **JSON_ERRORS,
        **CHAPTER_ERRORS,
        409: "slug chuong-mot is taken by another chapter of this book",
        422: "parent_id must not be the chapter itself, or one below it",
    },
    json=ChapterChanges,
)
def change_chapter(book_id: str, chapter_id: str) -> Response:
    changes = json_body(ChapterChanges).model_dump(exclude_unset=True)
    chapter = services().books.change_chapter(book_id, chapter_id, changes, user_id())
    return jsonify(chapter_body(chapter, services().reading.in_chapter(chapter)))


@blueprint.delete("/<book_id>/chapters/<chapter_id>")
@Operation(
    "Delete a chapter; the chapters right below it move up one level",
    Success(204, "It is deleted"),
    CHAPTER_ERRORS,
)
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
