"""Pages as images and words, compared with what MuPDF makes of the same page."""

import io
import json
import math
from dataclasses import dataclass, replace
from typing import Any

import pymupdf
import pytest
from PIL import Image, ImageChops, ImageStat

from tests.support.ink import is_written_on
from tests.support.pdfs import form, page_pdf, photo_pdf, stream, text_pdf
from wordai_jobs.rendering.page import render_page, render_placeholder
from wordai_jobs.rendering.protocol import RenderOptions

OPTIONS = RenderOptions(dpi=150, format="auto", jpeg_quality=85, max_pixels=25_000_000)
LEAST_PSNR_DB = 35.0


@dataclass(frozen=True)
class Rendered:
    """The first page as its files have it, and as MuPDF draws it."""

    image: Image.Image
    suffix: str
    content: dict[str, Any]
    expected: Image.Image


def rendered(pdf: bytes, options: RenderOptions = OPTIONS, rotation: int = 0) -> Rendered:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        document[0].set_rotation(rotation)
        page = render_page(document, 1, options)
        drawn = document[0].get_pixmap(dpi=options.dpi, alpha=False).tobytes("png")
    image = Image.open(io.BytesIO(page.image.content))
    assert image.size == (page.width, page.height)
    assert image.format == {".png": "PNG", ".jpg": "JPEG"}[page.image.ending]
    return Rendered(
        image,
        page.image.ending,
        json.loads(page.words),
        Image.open(io.BytesIO(drawn)).convert("RGB"),
    )


def is_exact(page: Rendered) -> bool:
    return ImageChops.difference(page.image.convert("RGB"), page.expected).getbbox() is None


def psnr_db(first: Image.Image, second: Image.Image) -> float:
    """Peak signal-to-noise ratio over all channels."""
    squares = ImageStat.Stat(ImageChops.difference(first, second)).sum2
    mean = sum(squares) / (3 * first.width * first.height)
    return 10 * math.log10(255**2 / mean) if mean else math.inf


def coloured(colours: int) -> bytes:
    """A page of squares in this many colours, none grey; their blended edges have more."""
    squares = []
    for i in range(colours):
        row, column = divmod(i, 16)
        squares.append(f"{column / 15:.4f} {row / 31:.4f} 1 rg")
        squares.append(f"{36 + 24 * column} {36 + 24 * row} 24 24 re f")
    return page_pdf("\n".join(squares).encode())


def test_a_page_of_greys_is_a_png_of_one_byte_a_pixel_and_exact() -> None:
    page = rendered(text_pdf(1))
    assert (page.suffix, page.image.mode) == (".png", "L") and is_exact(page)


_GREY_DRAWING = b"0.3 0.3 0.3 rg 50 50 m 200 90 l 90 310 l f 0.7 G 9 w 20 400 m 300 500 l S"


@pytest.mark.parametrize(
    ("drawn", "mode"),
    [(b"", "L"), (b"0.3 0.3 0.31 rg 300 300 2 2 re f", "P")],
    ids=["greys alone", "and a dot of a colour"],
)
@pytest.mark.parametrize("is_mixed", [False, True], ids=["", "in a transparency group"])
def test_a_page_without_colour_is_drawn_as_in_colours(
    drawn: bytes, mode: str, is_mixed: bool
) -> None:
    with pymupdf.open(stream=page_pdf(_GREY_DRAWING + b" " + drawn)) as document:
        if is_mixed:
            group = "<< /S /Transparency /CS /DeviceRGB /I true >>"
            document.xref_set_key(document[0].xref, "Group", group)
        page = rendered(document.tobytes())
    assert page.image.mode == mode and is_exact(page)


@pytest.mark.parametrize("operator", ["g", "rg"])
def test_greys_differ_from_those_drawn_in_colours_by_one_level_at_most(operator: str) -> None:
    squares = []
    for level in range(256):
        row, column = divmod(level, 16)
        components = f"{level / 255:.5f} " * (3 if operator == "rg" else 1)
        squares.append(f"{components}{operator} {20 * column} {20 * row} 20 20 re f")
    page = rendered(page_pdf("\n".join(squares).encode()))
    assert page.image.mode == "L"
    difference = ImageChops.difference(page.image.convert("RGB"), page.expected)
    assert difference.point(lambda level: level > 1).getbbox() is None


_GLYPH = (
    b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 97 "
)
_GLYPH += (
    b"/LastChar 97 /Widths [1] /Encoding << /Differences [97 /a] >> /CharProcs << /a 6 0 R >> >>"
)
_RED_GLYPH = (_GLYPH, stream(b"1 0 d0 1 0 0 rg 0 0 1 1 re f"))
_WRITTEN = b"BT /F 90 Tf 99 99 Td (a) Tj ET"


@pytest.mark.parametrize(
    "pdf",
    [
        page_pdf(_WRITTEN, *_RED_GLYPH, resources=b"/Font << /F 5 0 R >>"),
        page_pdf(
            b"/X Do",
            *_RED_GLYPH,
            form(_WRITTEN, b"/Resources << /Font << /F 5 0 R >> >>"),
            resources=b"/XObject << /X 7 0 R >>",
        ),
        page_pdf(
            _WRITTEN.replace(b"BT /F 90 Tf", b"/G gs BT"),
            *_RED_GLYPH,
            resources=b"/ExtGState << /G << /Font [5 0 R 90] >> >>",
        ),
        page_pdf(
            _WRITTEN,
            _RED_GLYPH[0].replace(b"/Subtype /Type3", b""),
            _RED_GLYPH[1],
            resources=b"/Font << /F 5 0 R >>",
        ),
    ],
    ids=["on the page", "in a form", "of a graphics state", "of a font without a type"],
)
def test_a_glyph_with_a_colour_of_its_own_keeps_it(pdf: bytes) -> None:
    page = rendered(pdf)
    assert page.image.mode == "P" and is_exact(page)


def test_a_page_that_is_half_transparent_is_drawn_as_in_colours() -> None:
    half = b"<< /ca 0.5 >>"
    shapes = (f"{it} {it} {it} rg 50 50 m 200 {900 * it} l 90 310 l f" for it in (0.2, 0.4, 0.6))
    drawn = f"/G gs {' '.join(shapes)}".encode()
    assert is_exact(rendered(page_pdf(drawn, half, resources=b"/ExtGState << /G 5 0 R >>")))


@pytest.mark.parametrize("colours", [1, 16, 80], ids="{} colours".format)
def test_a_page_of_at_most_256_colours_is_a_palette_png_and_exact(
    colours: int,
) -> None:
    page = rendered(coloured(colours))
    assert (page.suffix, page.image.mode) == (".png", "P") and is_exact(page)


@pytest.mark.parametrize("pdf", [photo_pdf(), coloured(480)], ids=["photograph", "many colours"])
def test_a_page_of_more_colours_is_a_jpeg_that_looks_the_same(pdf: bytes) -> None:
    page = rendered(pdf)
    assert (page.suffix, page.image.mode) == (".jpg", "RGB")
    assert psnr_db(page.image, page.expected) >= LEAST_PSNR_DB


@pytest.mark.parametrize(
    ("image_format", "pdf", "suffix"),
    [("png", photo_pdf(), ".png"), ("jpeg", text_pdf(1), ".jpg")],
    ids=["a photograph as PNG", "text as JPEG"],
)
def test_the_format_that_is_asked_for_is_made_whatever_the_page(
    image_format: str, pdf: bytes, suffix: str
) -> None:
    page = rendered(pdf, replace(OPTIONS, format=image_format))
    assert page.suffix == suffix and (is_exact(page) or image_format == "jpeg")


def test_a_page_too_large_is_rendered_smaller_and_keeps_its_shape() -> None:
    small = page_pdf(b"0 0 7000 7000 re f", width=1400, height=700)
    width, height = rendered(small, replace(OPTIONS, max_pixels=1_000_000)).image.size
    assert 950_000 <= width * height <= 1_000_000 and abs(width / height - 2) < 0.01


@pytest.mark.parametrize("rotation", [0, 90, 180, 270], ids="{} degrees".format)
def test_words_lie_where_the_image_shows_them(rotation: int) -> None:
    page = rendered(text_pdf(1), rotation=rotation)
    content = page.content
    assert "page 1 of 1" in " ".join(content["text"].split())
    image = page.image.convert("L")
    for x0, y0, x1, y1, word in content["words"]:
        assert 0 <= x0 < x1 <= image.width and 0 <= y0 < y1 <= image.height
        assert is_written_on(image, [x0, y0, x1, y1]), f"nothing where {word!r} should be"


def test_ligatures_are_letters_and_accents_are_composed() -> None:
    """As in a book whose font has glyphs for `ffi` and for accents without their letters."""
    meanings = {"Q": "\ufb03", "X": "\ufb02", "Y": "\ufb05", "W": "e\u0301", "Z": "o\u0302\u0303"}
    mapped = "\n".join(
        f"<{ord(code):02x}> <{text.encode('utf-16-be').hex()}>" for code, text in meanings.items()
    )
    to_unicode = stream(
        b"begincmap\n1 begincodespacerange <00> <ff> endcodespacerange\n"
        b"%d beginbfchar\n%b\nendbfchar\nendcmap" % (len(meanings), mapped.encode())
    )
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>"
    written = b"BT /F0 24 Tf 72 700 Td (OQcial AuXage Yone cafW hZm) Tj ET"
    pdf = page_pdf(written, font, to_unicode, resources=b"/Font << /F0 5 0 R >>")
    page = rendered(pdf)
    content = page.content
    expected = ["Official", "Auflage", "stone", "caf\u00e9", "h\u1ed7m"]
    assert content["text"].split() == expected
    assert [word for *_, word in content["words"]] == expected
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        unexpanded = document[0].get_text("words", flags=pymupdf.TEXT_PRESERVE_LIGATURES)
    zoom = OPTIONS.dpi / 72
    for (*box, word), (x0, y0, x1, y1, *_) in zip(content["words"], unexpanded, strict=True):
        assert box == pytest.approx([x0 * zoom, y0 * zoom, x1 * zoom, y1 * zoom], abs=0.1), word
        assert is_written_on(page.image.convert("L"), box), word


PROBLEM = "Page 17 is damaged and cannot be rendered"


@pytest.mark.parametrize("image_format", ["auto", "jpeg"])
@pytest.mark.parametrize("rotation", [0, 90], ids="{} degrees".format)
@pytest.mark.parametrize(
    ("width", "height"), [(595, 842), (1400, 700), (8, 4), (14_000, 14_000), (3, 9000)]
)
def test_a_placeholder_has_the_size_of_its_page_and_shows_the_problem(
    width: int, height: int, rotation: int, image_format: str
) -> None:
    options = replace(OPTIONS, format=image_format, max_pixels=1_000_000)
    with pymupdf.open(stream=page_pdf(b"", width=width, height=height)) as document:
        document[0].set_rotation(rotation)
        page = render_page(document, 1, options)
        drawn = render_placeholder(document, 1, PROBLEM, options)
    size = (drawn.width, drawn.height)
    assert size == pytest.approx((page.width, page.height), abs=1)
    assert drawn.image.ending == (".jpg" if image_format == "jpeg" else ".png")
    assert json.loads(drawn.words) == {"text": "", "words": [], "links": []}
    image = Image.open(io.BytesIO(drawn.image.content)).convert("L")
    assert image.size == size and image.getpixel((0, 0)) == 255
    if min(size) > 100:
        assert min(image.tobytes()) < 128, "nothing is written on it"


def test_a_placeholder_of_a_page_that_cannot_be_read_is_a4() -> None:
    with pymupdf.open(stream=text_pdf(1)) as document:
        for known, number in ((document, 2), (None, 1)):
            page = render_placeholder(known, number, PROBLEM, OPTIONS)
            assert (page.width, page.height) == pytest.approx((1240, 1754), abs=1)
