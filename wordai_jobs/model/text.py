"""What the text of a page is: words that lines break are whole, and so is Chinese and Japanese."""

import re
from collections.abc import Mapping
from itertools import takewhile

import orjson

# Chinese characters and kana, with their punctuation: between them a blank means nothing.
_WITHOUT_BLANKS = re.compile(
    "[\u2e80-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff01-\uff0f\uff1a-\uff20\uff5b-\uff9f\U00020000-\U0003ffff]"
)

_HYPHENS = "-\u00ad\u2010"
_SOFT_HYPHEN = "\u00ad"
_HYPHENATED = re.compile(r"\b[^\W\d_]{1,40}-[^\W\d_]{1,40}")
# A longer one is no part of a word; and a chain of a million parts is not joined to one.
_LONGEST_PART = 40

# The most that is kept of a page's text. A full page of a newspaper has 30,000 characters.
MOST_CHARACTERS = 1_000_000


def has_blanks(character: str) -> bool:
    """Whether blanks between such characters separate words."""
    return character < "\u2e80" or not _WITHOUT_BLANKS.match(character)


def stored_text(content: object) -> str:
    """The text of a stored page, in which older releases left broken words as they are. Empty if
    the page is missing, or has something else.
    """
    text = content.get("text") if isinstance(content, Mapping) else None
    return joined(text[:MOST_CHARACTERS]) if isinstance(text, str) else ""


def text_of_json(content: bytes | None) -> str:
    """The same of a stored page as JSON. Its words are left unread, which takes thirty times as
    long.
    """
    content = content or b""
    # This cannot be a part of the text, whose quotes are escaped.
    end = content.find(b'","words":[')
    if end > 0 and content.startswith(b'{"text":"'):
        content = content[:end] + b'"}'
    try:
        return stored_text(orjson.loads(content))
    except orjson.JSONDecodeError:
        return ""


def joined(text: str) -> str:
    """The text with words that were broken at a line end in one piece, at the end of the first
    line.

    A hyphen goes if the rest of its word begins with a small letter. It stays if it is likely to be
    the word's own: after a single letter, in a word that has another one, or if the page has the
    same word with a hyphen.
    """
    if not any(f"{hyphen}\n" in text for hyphen in _HYPHENS):
        return text
    hyphenated = set(_HYPHENATED.findall(text))
    lines: list[str] = []
    for line in text.split("\n"):
        before = lines[-1] if lines else ""
        begin, hyphen = before[before.rfind(" ") + 1 : -1], before[-1:]
        if (
            not 0 < len(begin) <= _LONGEST_PART
            or hyphen not in _HYPHENS
            or not begin[-1].isalpha()
            or not line[:1].islower()
        ):
            lines.append(line)
            continue
        end, _, rest = line.partition(" ")
        letters = "".join(takewhile(str.isalpha, end[:_LONGEST_PART]))
        is_own = hyphen != _SOFT_HYPHEN and (
            "-" in begin or len(begin) == 1 or f"{begin}-{letters}" in hyphenated
        )
        lines[-1] = f"{before if is_own else before[:-1]}{end}"
        if rest:
            lines.append(rest)
    return "\n".join(lines)
