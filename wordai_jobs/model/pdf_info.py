"""What a PDF says of itself: its title, its outline, and the numbers that are printed on its pages.

All of it is bounded, so that it fits into one record of the database.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from wordai_jobs.model.clean_text import clean_text

MAX_OUTLINE_ENTRIES = 5_000
MAX_TITLE_LENGTH = 300
_MAX_LABEL_LENGTH = 60
_MAX_LENGTH_OF_LABELS = 1_000_000


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """An entry of an outline; `level` and `page_number` count from 1."""

    title: str
    level: int
    page_number: int


@dataclass(frozen=True, slots=True)
class PdfInfo:
    """`title` and `page_labels` are None if the PDF has none. There is a label for each page; it is
    empty if nothing is printed on the page.
    """

    page_count: int
    title: str | None = None
    outline: tuple[OutlineEntry, ...] = ()
    page_labels: tuple[str, ...] | None = None


def bounded(info: PdfInfo) -> PdfInfo:
    """With texts that can be shown, and without entries that lead nowhere."""
    outline = tuple(
        OutlineEntry(clean_text(entry.title, MAX_TITLE_LENGTH), entry.level, entry.page_number)
        for entry in info.outline[:MAX_OUTLINE_ENTRIES]
        if 1 <= entry.page_number <= info.page_count and 1 <= entry.level <= MAX_OUTLINE_ENTRIES
    )
    labels = tuple(clean_text(label, _MAX_LABEL_LENGTH) for label in info.page_labels or ())
    is_usable = len(labels) == info.page_count and sum(map(len, labels)) <= _MAX_LENGTH_OF_LABELS
    return PdfInfo(
        info.page_count,
        clean_text(info.title or "", MAX_TITLE_LENGTH) or None,
        outline,
        labels if is_usable else None,
    )


def outline_of_pages(outline: Iterable[OutlineEntry], pages: range) -> tuple[OutlineEntry, ...]:
    """The entries of these pages of a PDF, with pages counted from the first of them."""
    return tuple(
        replace(entry, page_number=entry.page_number - pages.start + 1)
        for entry in outline
        if entry.page_number in pages
    )
