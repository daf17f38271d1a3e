"""Books, their chapters, and where the caller has stopped reading."""

from typing import Annotated, Any, NotRequired, cast

from pydantic import Field
from typing_extensions import TypedDict  # pydantic cannot read typing's before Python 3.12

from wordai_jobs.auth.signing import UrlSigner
from wordai_jobs.library.reading import Reading
from wordai_jobs.model.chapter import Chapter
from wordai_jobs.model.position import Position
from wordai_jobs.web.openapi.parameters import FILE_ID
from wordai_jobs.web.response_bodies.fields import (
    BookId,
    ChapterId,
    Moment,
    TotalPages,
    body_of,
    closed,
)
from wordai_jobs.web.response_bodies.files import OutlineEntryBody
from wordai_jobs.web.response_bodies.pages import Label, PageBody, page_bodies


@closed
class BookBody(TypedDict):
    """A book."""

    book_id: BookId
    title: Annotated[str, Field(examples=["MuPDF Explored"])]
    created_at: Moment
    updated_at: Moment


@closed
class BookListBody(TypedDict):
    """The caller's books, newest first."""

    books: list[BookBody]


@closed
class PositionBody(TypedDict):
    """Where its owner has stopped reading a chapter."""

    page_number: Annotated[int, Field(ge=1, examples=[17])]
    updated_at: Moment


@closed
class ChapterBody(TypedDict):
    """A chapter without its pages."""

    chapter_id: ChapterId
    book_id: BookId
    title: Annotated[str, Field(examples=["Chương một"])]
    slug: Annotated[str, Field(description="unique within its book", examples=["chuong-mot"])]
    order_index: Annotated[int, Field(ge=0, examples=[0])]
    parent_id: Annotated[str | None, Field(examples=[None])]
    is_published: Annotated[bool, Field(examples=[True])]
    is_preview_free: Annotated[bool, Field(examples=[False])]
    total_pages: TotalPages
    created_at: Moment
    updated_at: Moment
    position: NotRequired[
        Annotated[PositionBody, Field(description="only if its owner has begun to read it")]
    ]


def chapter_body(chapter: Chapter, position: Position | None) -> ChapterBody:
    names = [name for name in ChapterBody.__annotations__ if name != "position"]
    body = cast(ChapterBody, {name: getattr(chapter, name) for name in names})
    if position:
        body["position"] = body_of(PositionBody, position)
    return body


@closed
class ChapterListBody(TypedDict):
    """A book's chapters in their order."""

    chapters: list[ChapterBody]


@closed
class ChapterPageBody(PageBody):
    """A page of a chapter."""

    label: Annotated[Label, Field(examples=["ii"])]
    elements: Annotated[list[Any], Field(examples=[[]])]


@closed
class ChapterWithPagesBody(ChapterBody):
    """A chapter with its pages."""

    file_id: Annotated[str, Field(description="the PDF that it was made from", examples=[FILE_ID])]
    outline: Annotated[
        list[OutlineEntryBody],
        Field(description="the entries of its pages; their `page_number` counts in the chapter"),
    ]
    pages: list[ChapterPageBody]


def chapter_with_pages_body(
    chapter: Chapter, position: Position | None, signer: UrlSigner
) -> ChapterWithPagesBody:
    pages = page_bodies(chapter.pages, chapter.book_id, chapter.chapter_id, signer)
    return {
        **chapter_body(chapter, position),
        "file_id": chapter.file_id,
        "outline": [body_of(OutlineEntryBody, entry) for entry in chapter.outline],
        "pages": [
            {**body, "label": page.label, "elements": []}
            for body, page in zip(pages, chapter.pages, strict=True)
        ],
    }


@closed
class ReadingBody(TypedDict):
    """A chapter that the caller has begun to read."""

    book_id: BookId
    book_title: Annotated[str, Field(examples=["MuPDF Explored"])]
    chapter_id: ChapterId
    chapter_title: Annotated[str, Field(examples=["Chương một"])]
    page_number: Annotated[int, Field(ge=1, examples=[17])]
    total_pages: TotalPages
    updated_at: Moment


def reading_body(reading: Reading) -> ReadingBody:
    return {
        "book_id": reading.book.book_id,
        "book_title": reading.book.title,
        "chapter_id": reading.chapter.chapter_id,
        "chapter_title": reading.chapter.title,
        "page_number": reading.position.page_number,
        "total_pages": reading.chapter.total_pages,
        "updated_at": reading.position.updated_at,
    }


@closed
class ReadingListBody(TypedDict):
    """Where the caller has stopped reading, newest first."""

    positions: list[ReadingBody]
