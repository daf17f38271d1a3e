"""The text of pages: in reading order, whole words, and boxes that lie on the ink."""

import io
import json
from dataclasses import dataclass

import orjson
import pymupdf
import pytest
from PIL import Image

from tests.support.ink import ink_in
from tests.support.pdfs import page_pdf
from tests.support.scripts import japanese_pdf, letters_pdf
from wordai_jobs.model.text import joined, stored_text, text_of_json
from wordai_jobs.rendering.page import render_page
from wordai_jobs.rendering.protocol import RenderOptions

OPTIONS = RenderOptions(dpi=72, format="auto", jpeg_quality=85, max_pixels=25_000_000)


@dataclass(frozen=True)
class Read:
    """A page as its files have it."""

    text: str
    words: list[str]
    boxes: list[list[float]]
    image: Image.Image


def read(pdf: bytes, rotation: int = 0) -> Read:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        document[0].set_rotation(rotation)
        page = render_page(document, 1, OPTIONS)
    content = json.loads(page.words)
    words = [word for *_, word in content["words"]]
    boxes = [box for *box, _ in content["words"]]
    return Read(
        content["text"], words, boxes, Image.open(io.BytesIO(page.image.content)).convert("L")
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a sub-\nservient part", "a subservient\npart"),
        ("a sub\u00ad\nservient, part", "a subservient,\npart"),
        ("sub\u2010\nservient\nnext", "subservient\nnext"),
        ("tr\u01b0\u1eddng-\n\u0111\u1ea1i", "tr\u01b0\u1eddng\u0111\u1ea1i"),
        ("one-\ntwo three-\nfour", "onetwo\nthreefour"),
        ("Anglo-\nAmerican", "Anglo-\nAmerican"),
        ("pages 3-\n5 of it", "pages 3-\n5 of it"),
        ("state-of-the-\nart work", "state-of-the-art\nwork"),
        ("an e-\nmail", "an e-mail"),
        ("is well-known, a well-\nknown fact", "is well-known, a well-known\nfact"),
        ("a dash -\nand more", "a dash -\nand more"),
        ("ends with-\n", "ends with-\n"),
        ("inter-\nnational-\nization", "internationalization"),
        ("-\na", "-\na"),
        ("x" * 50 + "-\nyes", "x" * 50 + "-\nyes"),
    ],
    ids=lambda text: text.replace("\n", " ")[:25],
)
def test_a_word_broken_at_a_line_end_is_joined_unless_its_hyphen_is_its_own(
    before: str, after: str
) -> None:
    assert joined(before) == after
    assert joined(after) == after, "joining twice changes nothing"


@pytest.mark.parametrize("text", ["a-\n", "a-", "x", "x ", "ab-\nc "], ids=repr)
def test_a_page_full_of_hyphens_takes_no_time(text: str) -> None:
    assert len(joined(text * (300_000 // len(text)))) > 90_000


def test_the_text_has_whole_words_and_the_words_are_as_they_are_on_the_page() -> None:
    page = read(letters_pdf("is sub-", "servient to it"))
    assert page.text == "is subservient\nto it"
    assert page.words == ["is", "sub-", "servient", "to", "it"]


def test_ligatures_and_letters_in_their_joined_forms_are_plain_letters() -> None:
    page = read(letters_pdf("o\ufb03ce \ufb01nd \ufb05one \ufb15"))
    assert page.words == ["office", "find", "stone", "\u0574\u056b"]
    assert page.text == "office find stone \u0574\u056b"


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", "\u05e9\u05dc\u05d5\u05dd"),
        ("\u0645\u0631\u062d\u0628\u0627 \u0628\u0643", "\u0645\u0631\u062d\u0628\u0627"),
        # In presentation forms, with lam and alef as one glyph.
        ("\ufeb3\ufefc\ufee1 \ufe91\ufeda", "\u0633\u0644\u0627\u0645"),
    ],
    ids=["Hebrew", "Arabic", "Arabic forms"],
)
def test_words_from_right_to_left_are_read_in_their_order(written: str, word: str) -> None:
    page = read(letters_pdf(written, from_right=True))
    assert page.words[0] == word and page.text.startswith(f"{word} ")
    assert page.boxes[0][0] > page.boxes[1][2], "the first word is the right one"
    check_ink(page)


def test_chinese_and_japanese_have_no_blanks_between_characters() -> None:
    page = read(japanese_pdf("\u65e5 \u672c \u8a9e and PDF \u6587\u7ae0", "\u3067\u3059\u3002"))
    assert page.text == "\u65e5\u672c\u8a9e and PDF \u6587\u7ae0\n\u3067\u3059\u3002"
    assert page.words[:3] == ["\u65e5", "\u672c", "\u8a9e"]
    check_ink(page)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270], ids="{} degrees".format)
def test_vertical_words_are_read_down_the_columns_and_lie_on_the_ink(rotation: int) -> None:
    columns = ("\u65e5\u672c\u8a9e\u306e\u6587\u7ae0", "\u7e26\u66f8\u304d\u3067\u3059")
    page = read(japanese_pdf(*columns, is_vertical=True), rotation)
    assert page.text == "\n".join(columns) and tuple(page.words) == columns
    check_ink(page)


def test_a_page_with_lines_and_columns_has_both() -> None:
    line = letters_pdf("upright")
    with (
        pymupdf.open(stream=japanese_pdf("\u65e5\u672c", is_vertical=True)) as document,
        pymupdf.open(stream=line) as other,
    ):
        document[0].show_pdf_page(pymupdf.Rect(0, 300, 306, 696), other, 0)
        page = read(document.tobytes())
    assert sorted(page.words) == ["upright", "\u65e5\u672c"]
    check_ink(page)


def test_a_page_without_text_has_none() -> None:
    page = read(page_pdf(b"0 0 10 10 re f"))
    assert (page.text, page.words) == ("", [])


def check_ink(page: Read) -> None:
    """Each word has ink, and all ink lies in words."""
    found = [ink_in(page.image, box) for box in page.boxes]
    assert all(found), found
    everything = ink_in(page.image, (0, 0, *page.image.size))
    assert sum(found) >= 0.98 * everything, (found, everything)


@pytest.mark.parametrize(
    "content",
    [
        {"text": "a page", "words": [[1, 2, 3, 4, "a"], [5, 2, 8, 4, "page"]], "links": []},
        {"text": "", "words": []},
        {"text": 'say \\","words":["no"]', "words": []},
        {"text": "a sub-\nservient \u1ebf \U0001f600", "words": [[0, 0, 1, 1, '","words":[']]},
        {"words": [[1, 2, 3, 4, "first"]], "text": "as another program has it"},
        {"text": 17, "words": []},
        ["no page"],
    ],
)
def test_the_text_of_a_page_is_the_same_without_its_words(content: object) -> None:
    for stored in (orjson.dumps(content), json.dumps(content).encode()):
        assert text_of_json(stored) == stored_text(orjson.loads(stored))


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"text":"\xff","words":[', b"\0" * 9])
def test_what_is_no_page_has_no_text(content: bytes | None) -> None:
    assert text_of_json(content) == ""
