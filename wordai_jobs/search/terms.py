"""What a word is for searching: letters without regard to case, accents and their form on the page.

Chinese, Japanese and other scripts without blanks between words make *runs*. Each pair of
characters that follow each other in a run is a term, so that any part of a run is found.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby, pairwise
from typing import NamedTuple

# Chinese characters and kana, without punctuation. A run of them goes on after a blank or line end.
_CHARACTERS = (
    "\u2e80-\u2fdf\u3005-\u3007\u3031-\u3035\u303b\u3041-\u3096\u3099\u309a\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
# Thai, Lao, Burmese, Khmer and Korean.
_SYLLABLES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3131-\u318e\uac00-\ud7ff"
# Accents, vowel points, Arabic's filling stroke, and invisible characters.
_LEFT_OUT = (
    "\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    "\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff"
    "\u200b-\u200f\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f"
)
# The vowel signs of India's scripts are part of words, but no letters to Python.
_VOWEL_SIGNS = "\u0900-\u0dff"

_LETTER = rf"[^\W_{_CHARACTERS}{_SYLLABLES}]"
_TOKEN = re.compile(
    rf"(?P<run>[{_CHARACTERS}](?:\s?[{_CHARACTERS}])*|[{_SYLLABLES}]+)"
    rf"|{_LETTER}(?:{_LETTER}|[{_LEFT_OUT}{_VOWEL_SIGNS}])*"
)
_LEFT_OUT_CHARACTERS = re.compile(f"[{_LEFT_OUT}]+")
# A part of a text that has a character beyond ASCII: all but blanks and ASCII's punctuation.
_PART = "[0-9A-Za-z\u0080-\U0010ffff]"
_BEYOND_ASCII = re.compile(
    rf"(?<![0-9A-Za-z])[0-9A-Za-z]*[\u0080-\U0010ffff]{_PART}*"
    rf"(?:(?<=[{_CHARACTERS}])\s(?=[{_CHARACTERS}]){_PART}*)*"
)
# Letters that have no decomposition in Unicode.
_PLAIN = str.maketrans(
    {
        "\u0111": "d",
        "\u0127": "h",
        "\u0131": "i",
        "\u0142": "l",
        "\u00f8": "o",
        "\u0167": "t",
        "\u00e6": "ae",
        "\u0153": "oe",
    }
)
# Of a page. A full page of a newspaper has 30,000 characters.
_MOST_CHARACTERS = 100_000
_MOST_REMEMBERED = 20_000
_LONGEST_REMEMBERED = 40


class Token(NamedTuple):
    """A word or a run, in its plain form, and where in the text its characters are."""

    plain: str
    start: int
    end: int
    is_run: bool = False
    offsets: tuple[int, ...] = ()  # of each character of a run

    @property
    def terms(self) -> list[str]:
        """What is indexed: the word, or the pairs of the run and its last character."""
        return _pairs(self.plain) if self.is_run else [self.plain]


def tokens(text: str) -> Iterator[Token]:
    """The words and runs of a text, as far as it is searched."""
    for match in _TOKEN.finditer(text, 0, _MOST_CHARACTERS):
        start, end = match.span()
        if match.lastgroup:
            offsets = tuple(at for at in range(start, end) if not text[at].isspace())
            yield Token(_plain_run("".join(text[at] for at in offsets)), start, end, True, offsets)
        else:
            yield Token(_plain_word(match[0]), start, end)


def is_of_run(character: str) -> bool:
    match = _TOKEN.match(character)
    return match is not None and match.lastgroup is not None


def indexed(text: str) -> str:
    """The terms of a text in their order, for an index in which all of ASCII but letters and digits
    separates them, and capital letters of ASCII count as small ones.
    """
    text = text[:_MOST_CHARACTERS]
    if text.isascii():
        return text
    # Only a few lines are looked at in most texts. A run may go on in the next line.
    groups = ((is_plain, "\n".join(it)) for is_plain, it in groupby(text.split("\n"), str.isascii))
    return "\n".join(
        lines if is_plain else _BEYOND_ASCII.sub(_indexed_part, lines) for is_plain, lines in groups
    )


def _indexed_part(match: re.Match[str]) -> str:
    part = match[0]
    return _remembered_part(part) if len(part) <= _LONGEST_REMEMBERED else _terms_of(part)


def _terms_of(part: str) -> str:
    """As the terms of its tokens, without their places in the text."""
    terms: list[str] = []
    for match in _TOKEN.finditer(part):
        if match.lastgroup:
            terms += _pairs(_plain_run("".join(match[0].split())))
        else:
            terms.append(_plain_word(match[0]))
    return f" {' '.join(terms)} "


def _pairs(run: str) -> list[str]:
    return [*map("".join, pairwise(run)), run[-1]]


def _plain_word(word: str) -> str:
    if word.isascii():
        return word.lower()
    return _remembered_word(word) if len(word) <= _LONGEST_REMEMBERED else _without_accents(word)


def _without_accents(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    plain = _LEFT_OUT_CHARACTERS.sub("", decomposed).casefold().translate(_PLAIN)
    return unicodedata.normalize("NFC", plain).replace(" ", "")


def _plain_run(run: str) -> str:
    """A run with each character in its usual width."""
    plain = unicodedata.normalize("NFKC", run)
    return plain if len(plain) == len(run) else run


# Texts have the same words again and again.
_remembered_part = lru_cache(_MOST_REMEMBERED)(_terms_of)
_remembered_word = lru_cache(_MOST_REMEMBERED)(_without_accents)
