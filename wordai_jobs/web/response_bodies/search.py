"""Hits of a search."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # pydantic cannot read typing's before Python 3.12

from wordai_jobs.web.response_bodies.fields import BookId, ChapterId, closed

SearchBox = Annotated[list[float], Field(min_length=4, max_length=4)]


@closed
class HitBody(TypedDict):
    """A page that has all words of a search."""

    book_id: BookId
    chapter_id: ChapterId
    page_number: Annotated[int, Field(ge=1, examples=[17])]
    excerpt: Annotated[
        str,
        Field(
            description="plain text around the words, `…` for what is left out",
            examples=["…Tell the school's office, before the first day of term, that…"],
        ),
    ]
    boxes: Annotated[
        list[SearchBox],
        Field(
            description="`[x0, y0, x1, y1]` of the words, in pixels of the image; two for a word "
            "that is broken at a line end; the first 100",
            examples=[[[150.2, 140.0, 288.5, 171.3]]],
        ),
    ]


@closed
class HitListBody(TypedDict):
    """Hits in the order of books (newest first), chapters and pages."""

    hits: list[HitBody]
    next_cursor: Annotated[
        str | None,
        Field(
            description="`cursor` of the next slice; null at the end. A slice may have fewer hits "
            "than `limit`, even none, before the end: a search that takes long goes on there",
            examples=[None],
        ),
    ]
