"""Links on a page of a chapter."""

import re
from dataclasses import dataclass

MAX_URL_LENGTH = 2_000
_SCHEME = re.compile(r"https?://|mailto:", re.IGNORECASE)

Rect = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Link:
    """`rect` is `x0, y0, x1, y1` in pixels of the page's image. The link leads to a page of the
    same chapter, or to a URL.
    """

    rect: Rect
    page_number: int | None = None
    url: str | None = None


def is_safe(url: str) -> bool:
    """Whether browsers may be offered a URL that a PDF has: it can neither run anything nor show
    as another one.
    """
    return len(url) <= MAX_URL_LENGTH and bool(_SCHEME.match(url)) and url.isprintable()
