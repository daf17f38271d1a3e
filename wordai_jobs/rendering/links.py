"""Reads the links of a page. Runs in a child only."""

from collections.abc import Iterator

import pymupdf
from pymupdf import mupdf

from wordai_jobs.model.link import Rect, is_safe

# The server reads them into its memory. The densest index of a book has 300 on a page.
_MOST_LINKS = 1_000
_MOST_CHARACTERS = 200_000

Target = dict[str, int | str]


def page_links(page: pymupdf.Page, chapter: range) -> Iterator[tuple[Rect, Target]]:
    """Where the links of a page are, in points, and their targets: pages of the chapter, counted
    from its first one, and safe URLs. `chapter` has the chapter's pages as they count in the PDF,
    from 1.
    """
    links = mupdf.fz_load_links(page.this)  # each lives as long as the first
    link, left = links.m_internal, _MOST_CHARACTERS
    for _ in range(_MOST_LINKS):
        if not link:
            return
        target = _target(page.parent, link.uri or "", chapter)
        left -= len(str(target.get("url", "")))
        if target and left >= 0:
            box = link.rect
            yield (box.x0, box.y0, box.x1, box.y1), target
        link = link.next


def _target(document: pymupdf.Document, uri: str, chapter: range) -> Target:
    """Nothing if it leads elsewhere."""
    if mupdf.fz_is_external_link(uri):
        return {"url": uri} if is_safe(uri) else {}
    page, *_ = document.resolve_link(uri)
    if page + 1 in chapter:
        return {"page_number": page + 1 - chapter.start + 1}
    return {}
