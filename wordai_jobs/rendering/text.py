"""Reads the words of a page, in reading order, and its text. Runs in a child only."""

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from typing import Any

import pymupdf

from wordai_jobs.model.text import MOST_CHARACTERS, has_blanks, joined

# The server reads a page's words into its memory, so their length is limited as that of the text
# is; the coordinates of a word count as 20 characters.
_COORDINATES_CHARACTERS = 20
# MuPDF would expand ligatures before it puts words from right to left in order: the letters of an
# Arabic ligature would come out reversed.
_FLAGS = pymupdf.TEXTFLAGS_WORDS
# Ligatures, and the forms that Arabic and Hebrew letters have within words.
_FORMS = {
    code: plain
    for code in (*range(0xFB00, 0xFE00), *range(0xFE70, 0xFEFD))
    if (plain := unicodedata.normalize("NFKC", chr(code)).strip()) and " " not in plain
}
# MuPDF takes the point where a vertical glyph begins for its top, but it is on its baseline: this
# far below the top, in units of the font's size (the default of DW2 in PDF).
_VERTICAL_ASCENT = 0.88
# In the same unit; characters that are farther apart are not of one word.
_LARGEST_GAP = 0.5

# MuPDF's words: x0, y0, x1, y1 in points, the word, and the numbers of its block and line.
Entry = tuple[Any, ...]


def page_words(drawing: pymupdf.DisplayList) -> list[Entry]:
    """The words of a page in reading order, up to the limit, ready to be sent as UTF-8."""
    textpage = pymupdf.TextPage(drawing.get_textpage(_FLAGS))
    entries = textpage.extractWORDS()
    if any(_may_be_vertical(one, other) for one, other in pairwise(entries)):
        entries = list(_with_columns(entries, textpage.extractDICT()["blocks"]))
    return [
        entry if entry[4].isascii() else (*entry[:4], _plain(entry[4]), *entry[5:])
        for entry in _up_to_the_limit(entries)
    ]


def page_text(entries: list[Entry]) -> str:
    """The text that these words make, a line of it for each line of the page."""
    lines = []
    for _, words in groupby(entries, key=lambda entry: entry[5:7]):
        parts: list[str] = []
        for entry in words:
            word = entry[4]
            if parts and (has_blanks(parts[-1][-1]) or has_blanks(word[0])):
                parts.append(" ")
            parts.append(word)
        lines.append("".join(parts))
    return joined("\n".join(lines))


def _may_be_vertical(one: Entry, other: Entry) -> bool:
    """MuPDF makes a line of each character of vertical text."""
    return (
        len(one[4]) == len(other[4]) == 1
        and one[4] >= "\u2e80"
        and other[4] >= "\u2e80"
        and one[5:7] != other[5:7]
    )


def _with_columns(entries: list[Entry], blocks: list[dict[str, Any]]) -> Iterator[Entry]:
    """The same with whole words in place of characters below each other, and boxes on the ink."""
    columns = {
        (block["number"], number): (line["dir"], line["spans"][0]["size"])
        for block in blocks
        for number, line in enumerate(block.get("lines", ()))
        if line["wmode"] and line["spans"]
    }
    last: Entry | None = None
    for entry in entries:
        column = columns.get(entry[5:7])
        if column:
            (dx, dy), size = column
            right, down = -dx * _VERTICAL_ASCENT * size, -dy * _VERTICAL_ASCENT * size
            x0, y0, x1, y1 = entry[:4]
            entry = (x0 + right, y0 + down, x1 + right, y1 + down, *entry[4:])
            if last and _is_next(last, entry, column):
                (a0, b0, a1, b1, word), (x0, y0, x1, y1, more) = last[:5], entry[:5]
                box = min(a0, x0), min(b0, y0), max(a1, x1), max(b1, y1)
                last = (*box, word + more, *last[5:])
                continue
        if last:
            yield last
        last = entry if column else None
        if not column:
            yield entry
    if last:
        yield last


def _is_next(one: Entry, other: Entry, column: tuple[tuple[float, float], float]) -> bool:
    """Whether two words of vertical text follow each other in one column without a gap."""
    (dx, dy), size = column

    def span(entry: Entry, x: float, y: float) -> list[float]:
        return sorted((entry[0] * x + entry[1] * y, entry[2] * x + entry[3] * y))

    gap = span(other, dx, dy)[0] - span(one, dx, dy)[1]
    aside = span(other, -dy, dx)[0] - span(one, -dy, dx)[0]
    return abs(gap) < _LARGEST_GAP * size and abs(aside) < _LARGEST_GAP * size


def _up_to_the_limit(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The first words of a page."""
    left = MOST_CHARACTERS
    for entry in entries:
        left -= len(entry[4]) + _COORDINATES_CHARACTERS
        if left < 0:
            return
        yield entry


def _plain(word: str) -> str:
    """The word with plain letters, and accents composed (NFC), which can be sent as UTF-8: fonts
    may map glyphs to lone surrogates.
    """
    composed = unicodedata.normalize("NFC", word.translate(_FORMS))
    return composed.encode("utf-8", "replace").decode("utf-8")
