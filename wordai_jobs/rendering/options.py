"""What a child is asked for and what it answers, in the terms both sides share. Sent as JSON, one
object a line.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How pages become images: resolution, `auto`, `png` or `jpeg`, JPEG quality, most pixels an
    image may have.
    """

    dpi: int
    format: str
    jpeg_quality: int
    max_pixels: int


class Failure(StrEnum):
    """Why a child could not do a request. The names cross the pipe; users read `words`."""

    OUT_OF_MEMORY = "out_of_memory"
    STORAGE_FULL = "storage_full"
    NOT_A_PDF = "not_a_pdf"
    DAMAGED = "damaged"
    ENCRYPTED = "encrypted"
    EMPTY = "empty"
    BAD_PAGE = "bad_page"

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    Failure.OUT_OF_MEMORY: "Out of memory",
    Failure.STORAGE_FULL: "Storage is full",
    Failure.NOT_A_PDF: "The file is not a PDF",
    Failure.DAMAGED: "PDF is damaged and cannot be opened",
    Failure.ENCRYPTED: "PDF is password protected",
    Failure.EMPTY: "PDF has no pages",
    Failure.BAD_PAGE: "The page is damaged and cannot be rendered",
}


class RenderFailed(Exception):
    """A request failed inside a child for a reason that has words."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.words)
        self.failure = failure
