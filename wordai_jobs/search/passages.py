"""Where on a page a hit is: a piece of its text, and boxes on its image."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wordai_jobs.model.text import has_blanks, stored_text
from wordai_jobs.search.query import Query, Span
from wordai_jobs.search.terms import is_of_run

_BEFORE_HIT = 60
_EXCERPT_LENGTH = 200
_MOST_BOXES = 100
# A word is looked for in the text this far behind the word before it.
_LARGEST_GAP = 200

# A line has fewer characters.
_LONGEST_RUN = 500
_FULL, _HALF = 2, 1
_BLANK = re.compile(r"\s+")
_LINE_END = re.compile(r"\s*\n\s*")

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Passage:
    """What a reader sees of a page that has all words: plain text around the place where most of
    them are, and the boxes of all of them in pixels of the image.
    """

    excerpt: str
    boxes: list[Box]


def passage(content: dict[str, Any], query: Query) -> Passage:
    """`content`: the `text` and `words` of a page."""
    text = stored_text(content)
    found = query.spans(text)
    words = _Words(text, content["words"])
    spans = sorted({span for each in found for span in each})
    boxes = [box for span in spans[:_MOST_BOXES] for box in words.boxes(span)]
    return Passage(_excerpt(text, _best_start(found)), boxes[:_MOST_BOXES])


def _best_start(found: Sequence[Sequence[Span]]) -> int:
    """Where the excerpt begins to show words, so that it shows as many of them as possible."""
    starts = [[start for start, _ in spans[:_MOST_BOXES]] for spans in found]

    def shown(first: int) -> int:
        end = first + _EXCERPT_LENGTH - _BEFORE_HIT
        return sum(bisect_left(each, first) < bisect_left(each, end) for each in starts)

    candidates = {start for each in starts for start in each}
    return max(candidates, key=lambda start: (shown(start), -start), default=0)


def _excerpt(text: str, hit: int) -> str:
    """At most 200 characters and two `…`; cut between words if there are blanks."""
    start = max(hit - _BEFORE_HIT, 0)
    if start:
        blank = _BLANK.search(text, start, hit)
        start = blank.end() if blank else start
    end = start + _EXCERPT_LENGTH
    if end < len(text):
        blanks = list(_BLANK.finditer(text, hit, end))
        end = blanks[-1].start() if blanks else end
    shown = _LINE_END.sub(_blank_if_needed, text[start:end].strip())
    return f"{'…' if start else ''}{shown}{'…' if end < len(text) else ''}"


def _blank_if_needed(line_end: re.Match[str]) -> str:
    before, after = line_end.string[line_end.start() - 1], line_end.string[line_end.end()]
    return " " if has_blanks(before) or has_blanks(after) else ""


class _Words:
    """The words of a page, each with its place in the text and its box."""

    def __init__(self, text: str, words: Sequence[Sequence[Any]]) -> None:
        self._words: list[tuple[Span, str, Box]] = []
        at = 0
        for x0, y0, x1, y1, word in words:
            # The text has the same words in the same order, some without the hyphen at their end.
            for part in (word, word[:-1]):
                start = text.find(part, at, at + len(part) + _LARGEST_GAP) if part else -1
                if start >= 0:
                    at = start + len(part)
                    self._words.append(((start, at), word, (x0, y0, x1, y1)))
                    break
        self._starts = [start for (start, _), _, _ in self._words]

    def boxes(self, span: Span) -> Iterator[Box]:
        """The boxes of the words, or of the characters of runs, that are in the span."""
        start, end = span
        first = max(bisect_right(self._starts, start) - 1, 0)
        for (word_start, word_end), word, box in self._words[first:]:
            if word_start >= end:
                return
            if word_end > start:
                inside = max(start - word_start, 0), min(end, word_end) - word_start
                is_part = is_of_run(word[inside[0]]) and len(word) <= _LONGEST_RUN
                yield _part(box, word, inside) if is_part else box


def _part(box: Box, word: str, inside: Span) -> Box:
    """The box of some characters of a word, which are all as long as they are wide."""
    x0, y0, x1, y1 = box
    widths = [_FULL if unicodedata.east_asian_width(each) in "FW" else _HALF for each in word]
    start, end = (sum(widths[:at]) / sum(widths) for at in inside)
    if y1 - y0 > x1 - x0 and len(word) > 1:
        return x0, round(y0 + (y1 - y0) * start, 1), x1, round(y0 + (y1 - y0) * end, 1)
    return round(x0 + (x1 - x0) * start, 1), y0, round(x0 + (x1 - x0) * end, 1), y1
