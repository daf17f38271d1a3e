"""Pages as images and words, compared with what MuPDF makes of the same page."""

import io
import json
import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pymupdf
import pytest
from PIL import Image, ImageChops, ImageStat

from tests.support.disks import fill
from tests.support.pdfs import page_pdf, photo_pdf, stream, text_pdf
from wordai_jobs.rendering.document import RenderFailed, page_size, translated_errors
from wordai_jobs.rendering.page import render_page, render_placeholder
from wordai_jobs.rendering.protocol import Failure, RenderOptions

OPTIONS = RenderOptions(dpi=150, format="auto", jpeg_quality=85, max_pixels=25_000_000)
LEAST_PSNR_DB = 35.0
BLOCK = 4096


@dataclass(frozen=True)
class Rendered:
    """The first page as its file has it, and as MuPDF draws it."""

    image: Image.Image
    suffix: str
    expected: Image.Image


def rendered(
    pdf: bytes, folder: Path, options: RenderOptions = OPTIONS, rotation: int = 0
) -> Rendered:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        document[0].set_rotation(rotation)
        size = render_page(document, 1, options, folder)
        drawn = document[0].get_pixmap(dpi=options.dpi, alpha=False).tobytes("png")
    path = next(path for path in folder.iterdir() if path.suffix in (".png", ".jpg"))
    assert sorted(found.name for found in folder.iterdir()) == sorted(["00001.json", path.name])
    image = Image.open(io.BytesIO(path.read_bytes()))
    assert image.size == size
    return Rendered(image, path.suffix, Image.open(io.BytesIO(drawn)).convert("RGB"))


def is_exact(page: Rendered) -> bool:
    return ImageChops.difference(page.image.convert("RGB"), page.expected).getbbox() is None


def psnr_db(first: Image.Image, second: Image.Image) -> float:
    """Peak signal-to-noise ratio over all channels."""
    squares = ImageStat.Stat(ImageChops.difference(first, second)).sum2
    mean = sum(squares) / (3 * first.width * first.height)
    return 10 * math.log10(255**2 / mean) if mean else math.inf


def is_written_on(grey: Image.Image, box: list[float]) -> bool:
    x0, y0, x1, y1 = box
    part = grey.crop((int(x0), int(y0), math.ceil(x1), math.ceil(y1)))
    return min(part.tobytes()) < 128


def coloured(colours: int) -> bytes:
    """A page of squares in this many colours, none grey; their blended edges have more."""
    squares = []
    for i in range(colours):
        row, column = divmod(i, 16)
        squares.append(f"{column / 15:.4f} {row / 31:.4f} 1 rg")
        squares.append(f"{36 + 24 * column} {36 + 24 * row} 24 24 re f")
    return page_pdf("\n".join(squares).encode())


def test_a_page_of_greys_is_a_png_of_one_byte_a_pixel_and_exact(tmp_path: Path) -> None:
    page = rendered(text_pdf(1), tmp_path)
    assert (page.suffix, page.image.mode) == (".png", "L") and is_exact(page)


@pytest.mark.parametrize("colours", [1, 16, 80], ids="{} colours".format)
def test_a_page_of_at_most_256_colours_is_a_palette_png_and_exact(
    tmp_path: Path, colours: int
) -> None:
    page = rendered(coloured(colours), tmp_path)
    assert (page.suffix, page.image.mode) == (".png", "P") and is_exact(page)


@pytest.mark.parametrize("pdf", [photo_pdf(), coloured(480)], ids=["photograph", "many colours"])
def test_a_page_of_more_colours_is_a_jpeg_that_looks_the_same(tmp_path: Path, pdf: bytes) -> None:
    page = rendered(pdf, tmp_path)
    assert (page.suffix, page.image.mode) == (".jpg", "RGB")
    assert psnr_db(page.image, page.expected) >= LEAST_PSNR_DB


@pytest.mark.parametrize(
    ("image_format", "pdf", "suffix"),
    [("png", photo_pdf(), ".png"), ("jpeg", text_pdf(1), ".jpg")],
    ids=["a photograph as PNG", "text as JPEG"],
)
def test_the_format_that_is_asked_for_is_made_whatever_the_page(
    tmp_path: Path, image_format: str, pdf: bytes, suffix: str
) -> None:
    page = rendered(pdf, tmp_path, replace(OPTIONS, format=image_format))
    assert page.suffix == suffix and (is_exact(page) or image_format == "jpeg")


def test_a_page_too_large_is_rendered_smaller_and_keeps_its_shape(tmp_path: Path) -> None:
    small = page_pdf(b"0 0 7000 7000 re f", width=1400, height=700)
    width, height = rendered(small, tmp_path, replace(OPTIONS, max_pixels=1_000_000)).image.size
    assert 950_000 <= width * height <= 1_000_000 and abs(width / height - 2) < 0.01


@pytest.mark.parametrize("rotation", [0, 90, 180, 270], ids="{} degrees".format)
def test_words_lie_where_the_image_shows_them(tmp_path: Path, rotation: int) -> None:
    page = rendered(text_pdf(1), tmp_path, rotation=rotation)
    content = json.loads((tmp_path / "00001.json").read_text())
    assert "page 1 of 1" in " ".join(content["text"].split())
    image = page.image.convert("L")
    for x0, y0, x1, y1, word in content["words"]:
        assert 0 <= x0 < x1 <= image.width and 0 <= y0 < y1 <= image.height
        assert is_written_on(image, [x0, y0, x1, y1]), f"nothing where {word!r} should be"


def test_ligatures_are_letters_and_accents_are_composed(tmp_path: Path) -> None:
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
    page = rendered(pdf, tmp_path)
    content = json.loads((tmp_path / "00001.json").read_text())
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
    tmp_path: Path, width: int, height: int, rotation: int, image_format: str
) -> None:
    options = replace(OPTIONS, format=image_format, max_pixels=1_000_000)
    pdf = tmp_path / "a.pdf"
    with pymupdf.open(stream=page_pdf(b"", width=width, height=height)) as document:
        document[0].set_rotation(rotation)
        document.save(pdf)
        folder = tmp_path / "pages"
        folder.mkdir()
        size = render_page(document, 1, options, folder)
        (folder / "00001.jpg.part").touch()  # what a crash may leave
    drawn = render_placeholder(page_size(str(pdf), 1), 1, PROBLEM, options, folder)
    assert drawn == pytest.approx(size, abs=1)
    ending = "jpg" if image_format == "jpeg" else "png"
    assert {path.name for path in folder.iterdir()} == {f"00001.{ending}", "00001.json"}
    assert json.loads((folder / "00001.json").read_text()) == {"text": "", "words": []}
    image = Image.open(folder / f"00001.{ending}").convert("L")
    assert image.size == drawn and image.getpixel((0, 0)) == 255
    if min(drawn) > 100:
        assert min(image.tobytes()) < 128, "nothing is written on it"


def test_a_placeholder_of_a_page_that_cannot_be_read_is_a4(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(text_pdf(1))
    for pdf, number in ((str(tmp_path / "a.pdf"), 2), (str(tmp_path / "gone.pdf"), 1), ("", 1)):
        size = render_placeholder(page_size(pdf, number), 1, PROBLEM, OPTIONS, tmp_path)
        assert size == pytest.approx((1240, 1754), abs=1)


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
@pytest.mark.parametrize("words_fit", [False, True], ids=["all on it", "only the image on it"])
def test_a_page_on_a_full_disk_is_whole_or_an_error(
    small_disk: Path, tmp_path: Path, image_format: str, words_fit: bool
) -> None:
    """With every room from too little for anything to enough for all, a block at a time."""
    options = replace(OPTIONS, format=image_format, dpi=72)
    whole, filler = tmp_path / "whole", small_disk / "filler"
    whole.mkdir()
    outcomes = []
    with pymupdf.open(stream=text_pdf(1), filetype="pdf") as document:
        render_page(document, 1, options, whole)
        expected = {path.name: path.read_bytes() for path in whole.iterdir()}
        room = sum(map(len, expected.values())) + 4 * BLOCK
        for leave_bytes in range(0, room, BLOCK):
            folder = small_disk / f"{leave_bytes}"
            folder.mkdir()
            if words_fit:  # as if somebody had made room after the image was written
                (folder / "00001.json").symlink_to(tmp_path / "words")
            fill(filler, leave_bytes)
            try:
                with translated_errors(Failure.BAD_PAGE):
                    render_page(document, 1, options, folder)
                outcomes.append("whole")
                assert {path.name: path.read_bytes() for path in folder.iterdir()} == expected
            except RenderFailed as failed:
                outcomes.append(failed.failure.message)
            filler.unlink()
            shutil.rmtree(folder)
    assert set(outcomes) == {"whole", "Storage is full"}
    assert outcomes == sorted(outcomes), "more room never does worse"
