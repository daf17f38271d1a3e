"""Uploaded PDFs, and what they say of themselves."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # pydantic cannot read typing's before Python 3.12

from wordai_jobs.web.openapi.parameters import FILE_ID
from wordai_jobs.web.response_bodies.fields import Moment, closed


@closed
class FileBody(TypedDict):
    """An uploaded PDF; its size is in bytes."""

    file_id: Annotated[str, Field(examples=[FILE_ID])]
    filename: Annotated[str, Field(examples=["document.pdf"])]
    size: Annotated[int, Field(ge=1, examples=[4_194_304])]
    sha256: Annotated[
        str,
        Field(
            pattern=r"^[0-9a-f]{64}$",
            examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        ),
    ]
    page_count: Annotated[int, Field(ge=1, examples=[283])]
    created_at: Moment


@closed
class OutlineEntryBody(TypedDict):
    """An entry of an outline."""

    title: Annotated[str, Field(description="at most 300 characters", examples=["Introduction"])]
    level: Annotated[int, Field(ge=1, description="1 for the highest", examples=[1])]
    page_number: Annotated[int, Field(ge=1, examples=[15])]


@closed
class FileOutlineBody(TypedDict):
    """The title, the outline and the page labels of a PDF."""

    title: Annotated[str | None, Field(examples=["MuPDF Explored"])]
    page_count: Annotated[int, Field(ge=1, examples=[283])]
    outline: Annotated[
        list[OutlineEntryBody], Field(description="at most 5,000 entries, in their order")
    ]
    page_labels: Annotated[
        list[str] | None,
        Field(
            description="the number that is printed on each page; null if the PDF has none",
            examples=[["i", "ii", "1"]],
        ),
    ]
