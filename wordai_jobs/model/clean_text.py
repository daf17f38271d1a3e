"""Texts of strangers, in a form that can be shown."""

import unicodedata

# Controls, surrogates, private use, ends of lines and of paragraphs.
_BLANK = ("Cc", "Cs", "Co", "Zl", "Zp")
# These have no width, and can reverse the text around them.
_DROPPED = "Cf"


def clean_text(text: str, most: int) -> str:
    """The text in one line, with composed characters (NFC), cut to `most` characters. It has
    neither control characters nor formatting characters.
    """
    if not (text.isascii() and text.isprintable()):
        kinds = ((character, unicodedata.category(character)) for character in text)
        text = "".join(" " if kind in _BLANK else c for c, kind in kinds if kind != _DROPPED)
    return unicodedata.normalize("NFC", " ".join(text.split()))[:most].rstrip()
