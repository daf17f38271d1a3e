"""Slugs are made from titles, and file names are made harmless."""

import pytest

from wordai_jobs.model.chapter import MAX_SLUG_LENGTH, numbered_slug, slugify
from wordai_jobs.model.upload import clean_filename


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Chapter 1", "chapter-1"),
        ("Đường về nhà: phần hai", "duong-ve-nha-phan-hai"),
        ("Những đứa trẻ ở Huế & Hà Nội", "nhung-dua-tre-o-hue-ha-noi"),
        ("  --Ça va?-- ", "ca-va"),
        ("ﬁle №5", "file-no5"),
        ("日本語", "chapter"),
        ("!!!", "chapter"),
        pytest.param("x" * 300, "x" * MAX_SLUG_LENGTH, id="too long"),
    ],
)
def test_a_slug_is_plain_letters_digits_and_single_hyphens(title: str, slug: str) -> None:
    assert slugify(title) == slug


def test_a_numbered_slug_is_never_longer_than_a_slug_may_be() -> None:
    assert numbered_slug("intro", 2) == "intro-2"
    assert numbered_slug("x" * MAX_SLUG_LENGTH, 12) == "x" * (MAX_SLUG_LENGTH - 3) + "-12"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "document.pdf"),
        ("", "document.pdf"),
        ("...", "document.pdf"),
        ("a/b\\..\\c.pdf", "c.pdf"),
        ("tab\tnew\nline.pdf", "tab new line.pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("e\u0301.pdf", "é.pdf"),
        pytest.param("x" * 500, "x" * 200, id="too long"),
        pytest.param("x" * 500 + ".pdf", "x" * 196 + ".pdf", id="too long with an ending"),
    ],
)
def test_a_file_name_is_shown_without_folders_and_control_characters(
    given: str | None, shown: str
) -> None:
    assert clean_filename(given) == shown
