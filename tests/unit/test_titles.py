"""A title is accepted if there is something to see, whichever Unicode the interpreter knows."""

import pytest
from pydantic import ValidationError

from wordai_jobs.web.request_bodies import NewBook

NEWER_EMOJI = "\U0001fae9"  # of Unicode 16
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"  # three emoji with joiners between them


@pytest.mark.parametrize(
    "title",
    [
        "Chapter 1",
        "Những đứa trẻ ở Huế",
        "日本語",
        "!",
        "😀",
        NEWER_EMOJI,
        f"Reading {NEWER_EMOJI} at night",
        FAMILY,
        "❤\ufe0f",
        "\u200bwith an invisible beginning",
        "\U0003fffd",
        "e\u0301",
    ],
    ids=ascii,
)
def test_a_title_with_something_to_see_is_accepted(title: str) -> None:
    assert NewBook(title=title).title == title


INVISIBLE = {
    "a zero width space": "\u200b",
    "zero width spaces": "\u200b \u200c\u2060",
    "a byte order mark": "\ufeff",
    "a soft hyphen": "\u00ad",
    "marks of direction": "\u200e\u202e\u2066",
    "a Hangul filler": "\u3164",
    "variation selectors": "\ufe0f\U000e0100",
    "tags": "\U000e0041\U000e007f",
    "an empty Braille cell": "\u2800",
    "spaces of every width": "\u00a0\u2003\u3000",
}


@pytest.mark.parametrize("title", INVISIBLE.values(), ids=INVISIBLE)
def test_a_title_with_nothing_to_see_is_refused(title: str) -> None:
    with pytest.raises(ValidationError, match="must contain a visible character|must not be empty"):
        NewBook(title=title)


@pytest.mark.parametrize(
    "character",
    ["\0", "\a", "\x7f", "\x80", "\ud800", "\udfff", "\ufdd0", "\uffff", "\U0005fffe", "\ue000"],
    ids=ascii,
)
def test_a_title_with_what_is_no_character_is_refused(character: str) -> None:
    with pytest.raises(ValidationError, match="must not contain control characters"):
        NewBook(title=f"a{character}b")
