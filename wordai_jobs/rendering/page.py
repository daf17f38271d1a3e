"""Turns one page of a PDF into an image, its words and its links. Runs in a child only."""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
import pymupdf

from wordai_jobs.rendering.greys import is_colourless, is_the_same_in_greys
from wordai_jobs.rendering.image import EncodedImage, encode_image
from wordai_jobs.rendering.links import page_links
from wordai_jobs.rendering.protocol import RenderOptions
from wordai_jobs.rendering.text import Entry, page_text, page_words

POINTS_PER_INCH = 72
# A JPEG's sides have 16 bits; the rest is room for rounding.
_LONGEST_SIDE = 65_000
# How long the line on a placeholder may be, in units of its font's size. The longest problem has 45
# characters of half a unit.
_PLACEHOLDER_LINE_EM = 25

Word = list[float | str]


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """The contents of a page's files. The size of the image is in pixels. `words` is JSON: `text`,
    `words` as `[x0, y0, x1, y1, "word"]` in pixels of the image, and `links` as those of `Link`.
    """

    image: EncodedImage
    width: int
    height: int
    words: bytes

    @property
    def contents(self) -> tuple[bytes, bytes, bytes]:
        """In the order of the files."""
        return self.image.content, self.words, self.image.thumbnail


def render_page(
    document: pymupdf.Document, number: int, options: RenderOptions, chapter: range | None = None
) -> RenderedPage:
    """`number` counts from 1, and so do the pages of the chapter; it has all if none are given."""
    page = document[number - 1]
    rect = page.rect
    zoom = _zoom(rect.width, rect.height, options)
    # The page's content is interpreted once, for its image and for its text.
    drawing = page.get_displaylist()
    is_grey = options.format != "jpeg" and is_colourless(drawing)
    in_greys = is_grey and is_the_same_in_greys(page)
    pixmap = _draw(drawing, zoom, pymupdf.csGRAY if in_greys else pymupdf.csRGB)
    image = encode_image(pixmap, options, is_likely_grey=is_grey)
    width, height = pixmap.width, pixmap.height
    del pixmap
    entries = page_words(drawing)
    words = _words(entries, zoom, (width, height))
    links = list(_links(page, chapter or range(1, document.page_count + 1), zoom, (width, height)))
    return RenderedPage(image, width, height, _as_json(page_text(entries), words, links))


def render_placeholder(
    document: pymupdf.Document | None, number: int, problem: str, options: RenderOptions
) -> RenderedPage:
    """A blank image with the problem on it, and no words, for a page that cannot be rendered. If
    its size cannot be read, or there is no document, the image has the size of A4.
    """
    width, height = _page_size(document, number)
    font_size = min(width, height) / _PLACEHOLDER_LINE_EM
    with pymupdf.open() as blank:
        page = blank.new_page(width=width, height=height)
        left = (width - pymupdf.get_text_length(problem, fontsize=font_size)) / 2
        page.insert_text((left, height / 2), problem, fontsize=font_size)
        pixmap = _draw(page.get_displaylist(), _zoom(width, height, options), pymupdf.csRGB)
    image = encode_image(pixmap, options)
    return RenderedPage(image, pixmap.width, pixmap.height, _as_json("", [], []))


def _page_size(document: pymupdf.Document | None, number: int) -> tuple[float, float]:
    """In points."""
    rect = pymupdf.paper_rect("a4")
    if document is not None:
        with suppress(Exception):  # the page is known to be bad, and this may be why
            rect = document[number - 1].rect
    return rect.width, rect.height


def _draw(drawing: pymupdf.DisplayList, zoom: float, colours: pymupdf.Colorspace) -> pymupdf.Pixmap:
    pixmap: pymupdf.Pixmap = drawing.get_pixmap(
        matrix=pymupdf.Matrix(zoom, zoom), alpha=False, colorspace=colours
    )
    return pixmap


def _zoom(width: float, height: float, options: RenderOptions) -> float:
    """Pixels per point: as `dpi` asks, or fewer if the image would have more than `max_pixels` or
    too long a side.
    """
    longest_side = max(width, height, 1)
    zoom: float = min(options.dpi / POINTS_PER_INCH, _LONGEST_SIDE / longest_side)
    columns, rows = math.ceil(width * zoom) + 1, math.ceil(height * zoom) + 1
    if columns * rows > options.max_pixels:
        zoom *= math.sqrt(options.max_pixels / (columns * rows))
    return zoom


def _as_json(text: str, words: list[Word], links: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"text": text, "words": words, "links": links})


def _words(entries: list[Entry], zoom: float, size: tuple[int, int]) -> list[Word]:
    """MuPDF's words, in pixels. Computed with plain numbers: MuPDF's Rect and Matrix would take
    longer than the extraction.
    """
    width, height = size
    words: list[Word] = []
    for x0, y0, x1, y1, word, *_ in entries:
        left, top, right, bottom = zoom * x0, zoom * y0, zoom * x1, zoom * y1
        if not (0 <= left <= right <= width and 0 <= top <= bottom <= height):
            left, right = _span(left, right, width)
            top, bottom = _span(top, bottom, height)
        # To a tenth of a pixel. None is negative, and round(left, 1) would take three times as
        # long.
        words.append(
            [
                int(left * 10 + 0.5) / 10,
                int(top * 10 + 0.5) / 10,
                int(right * 10 + 0.5) / 10,
                int(bottom * 10 + 0.5) / 10,
                word,
            ]
        )
    return words


def _links(
    page: pymupdf.Page, chapter: range, zoom: float, size: tuple[int, int]
) -> Iterator[dict[str, Any]]:
    """Those that can be seen, in pixels, to a tenth of one."""
    width, height = size
    for (x0, y0, x1, y1), target in page_links(page, chapter):
        left, right = _span(zoom * x0, zoom * x1, width)
        top, bottom = _span(zoom * y0, zoom * y1, height)
        if left < right and top < bottom:
            yield {"rect": [round(edge, 1) for edge in (left, top, right, bottom)], **target}


def _span(one: float, other: float, limit: int) -> tuple[float, float]:
    """The two coordinates in ascending order, between 0 and `limit`."""
    one, other = _within(one, limit), _within(other, limit)
    return min(one, other), max(one, other)


def _within(coordinate: float, limit: int) -> float:
    """The nearest coordinate in the image. Broken fonts give NaN and infinity, which JSON cannot
    hold.
    """
    if not math.isfinite(coordinate):
        return 0.0
    return min(max(coordinate, 0.0), float(limit))
