"""What the text of a page is: words that lines break are whole, and so is Chinese and Japanese."""

import re

# Chinese characters and kana, with their punctuation: between them a blank means nothing.
_WITHOUT_BLANKS = re.compile(
    "[\u2e80-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff01-\uff0f\uff1a-\uff20\uff5b-\uff9f\U00020000-\U0003ffff]"
)

# Two parts of a word, with a hyphen and a line end between them, and what follows.
_BROKEN = re.compile(r"(\S*[^\W\d_])([-\u00ad\u2010])\n(([^\W\d_]+)\S*)[ \n]?")
_SOFT_HYPHEN = "\u00ad"


def has_blanks(character: str) -> bool:
    """Whether blanks between such characters separate words."""
    return character < "\u2e80" or not _WITHOUT_BLANKS.match(character)


def joined(text: str) -> str:
    """The text with words that were broken at a line end in one piece, at the end of the first
    line.

    A hyphen goes if the rest of its word begins with a small letter. It stays if it is likely to be
    the word's own: after a single letter, in a word that has another one, or if the page has the
    same word with a hyphen.
    """

    def whole(match: re.Match[str]) -> str:
        first, hyphen, second, letters = match.groups()
        if not letters[0].islower():
            return match[0]
        is_own = hyphen != _SOFT_HYPHEN and (
            "-" in first or len(first) == 1 or f"{first}-{letters}" in text
        )
        end = "" if match.end() == len(text) and not match[0].endswith("\n") else "\n"
        return f"{first}{'-' if is_own else ''}{second}{end}"

    return _BROKEN.sub(whole, text)
