"""A chapter of a book, its pages, and its slug."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from wordai_jobs.model.pdf_info import OutlineEntry

MAX_SLUG_LENGTH = 80
MAX_ORDER_INDEX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its number from 1, and the size of its image in pixels. `problem` says why it could
    not be rendered, and has a placeholder as its image; None for other pages. `label` is what is
    printed on it as its number; None if that is not known, or nothing is.
    """

    number: int
    width: int
    height: int
    problem: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter made from the PDF `file_id`, from its `first_page` on. `size` is the size of its
    page files in bytes, `dpi` the resolution of its images, and `enqueued_at` when its job was
    created; an older release did not write the last two.

    `pages` and `outline` are empty if they were not read from the database.
    """

    chapter_id: str
    book_id: str
    user_id: str
    created_at: datetime
    updated_at: datetime
    title: str = ""
    slug: str = ""
    file_id: str = ""
    first_page: int = 1
    order_index: int = 0
    parent_id: str | None = None
    is_published: bool = True
    is_preview_free: bool = False
    total_pages: int = 0
    size: int = 0
    dpi: int | None = None
    enqueued_at: datetime | None = None
    pages: tuple[Page, ...] = ()
    outline: tuple[OutlineEntry, ...] = ()


def slugify(title: str) -> str:
    """The title in a form for URLs: lower-case ASCII letters, digits and single hyphens.

    Vietnamese letters become plain ones; đ is replaced by hand, because it has no decomposition in
    Unicode. A title without any such letter, such as 日本語, becomes `chapter`.
    """
    plain = unicodedata.normalize("NFKD", title.replace("đ", "d").replace("Đ", "D"))
    ascii_only = plain.encode("ascii", "ignore").decode("ascii").lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_only)[:MAX_SLUG_LENGTH].strip("-")
    return slug or "chapter"


def numbered_slug(slug: str, number: int) -> str:
    """Such as `slug-2`, cut to the length of a slug."""
    suffix = f"-{number}"
    return slug[: MAX_SLUG_LENGTH - len(suffix)].rstrip("-") + suffix
