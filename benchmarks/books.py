"""The PDFs to measure with: built books (with pictures, of text alone, scanned) and real ones."""

import io
import random
from dataclasses import dataclass
from functools import cache

import pymupdf
from PIL import Image

from tests.support.pdfs import CATALOGUE, raw_pdf, shared_pdfs, stream

BOOK_PAGES = 283
_SCANNED_PAGES = 36
_SCAN_DPI = 300
_PHOTOS = 12
# In a shorter book, uploading, recording and waiting take most of the time, not rendering.
_REAL_PAGES = 100
_WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod tempor"


@dataclass(frozen=True)
class Book:
    name: str
    pdf: bytes
    pages: int
    is_real: bool = False

    @property
    def title(self) -> str:
        return f"{self.name}, {self.pages} pages"


def measured_books() -> list[Book]:
    return [built_book(), *_real_books(), text_book(), scanned_book()]


@cache
def built_book() -> Book:
    """Text on every page, shapes on every third, a photograph on every sixth; always the same."""
    return _book("built book", has_pictures=True)


@cache
def text_book() -> Book:
    return _book("book of text", has_pictures=False)


def _book(name: str, has_pictures: bool) -> Book:
    chance = random.Random(BOOK_PAGES)
    with pymupdf.open() as document:
        photos: list[int] = []
        for number in range(BOOK_PAGES):
            page = document.new_page()
            _write_text(page, number, chance)
            if has_pictures and number % 3 == 1:
                _draw(page, chance)
            if has_pictures and number % 6 == 2:
                _place_photo(page, photos, chance)
        pdf = bytes(document.tobytes(garbage=1, deflate=True))
        return Book(name, pdf, BOOK_PAGES)


@cache
def scanned_book() -> Book:
    """A picture on each page: black and white (CCITT), grey and coloured (JPEG) in turns."""
    with pymupdf.open(stream=text_book().pdf) as document:
        paper = document[0].get_pixmap(dpi=_SCAN_DPI, alpha=False).pil_image()
    grain = Image.effect_noise(paper.size, 20).convert("RGB")
    colour = Image.blend(paper, grain, 0.1)
    width, height = paper.size
    jpeg = b"/Filter /DCTDecode /BitsPerComponent 8 /ColorSpace /Device%b"
    fax = b"/Filter /CCITTFaxDecode /DecodeParms << /K -1 /BlackIs1 true /Columns %d /Rows %d >> %b"
    one_bit = b"/BitsPerComponent 1 /ColorSpace /DeviceGray"
    scans = [
        (_ccitt(paper.convert("1")), fax % (width, height, one_bit)),
        (_jpeg(colour.convert("L")), jpeg % b"Gray"),
        (_jpeg(colour), jpeg % b"RGB"),
    ]
    kids, objects = b"", []
    for number in range(_SCANNED_PAGES):
        first = 3 + 3 * number
        data, entries = scans[number % len(scans)]
        kids += b"%d 0 R " % first
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /XObject << /S %d 0 R >> >> >>" % (first + 1, first + 2),
            stream(b"595 0 0 842 0 0 cm /S Do"),
            stream(
                data,
                b"/Type /XObject /Subtype /Image /Width %d /Height %d " % (width, height) + entries,
            ),
        ]
    pages = b"<< /Type /Pages /Kids [ %b] /Count %d >>" % (kids, _SCANNED_PAGES)
    return Book("scanned book", raw_pdf(CATALOGUE, pages, *objects), _SCANNED_PAGES)


def _ccitt(scan: Image.Image) -> bytes:
    """Fax group 4, as Pillow puts it into the only strip of a TIFF."""
    buffer = io.BytesIO()
    scan.save(buffer, "TIFF", compression="group4", tiffinfo={278: scan.height})
    with Image.open(buffer) as tiff:
        [offset], [length] = tiff.tag_v2[273], tiff.tag_v2[279]  # type: ignore[attr-defined]
    return buffer.getvalue()[offset : offset + length]


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _write_text(page: pymupdf.Page, number: int, chance: random.Random) -> None:
    lines = [" ".join(chance.choices(_WORDS.split(), k=11)) for _ in range(26)]
    heading = f"Chapter {number // 20 + 1}, page {number + 1}"
    page.insert_text((60, 70), heading, fontsize=15, fontname="helv")
    page.insert_text((60, 100), lines, fontsize=10, fontname="tiro")


def _draw(page: pymupdf.Page, chance: random.Random) -> None:
    shape = page.new_shape()
    for _ in range(40):
        x, y = chance.uniform(60, 480), chance.uniform(460, 740)
        shape.draw_rect(pymupdf.Rect(x, y, x + chance.uniform(5, 60), y + chance.uniform(5, 40)))
        shape.draw_circle((x, y), chance.uniform(2, 20))
        colour = (chance.random(), chance.random(), chance.random())
        shape.finish(color=(0, 0, 0), fill=colour, width=0.5)
    shape.commit()


def _place_photo(page: pymupdf.Page, photos: list[int], chance: random.Random) -> None:
    area = pymupdf.Rect(60, 460, 530, 780)
    if len(photos) < _PHOTOS:
        photos.append(page.insert_image(area, stream=_photo(chance)))
    else:
        page.insert_image(area, xref=photos[chance.randrange(_PHOTOS)])


def _photo(chance: random.Random) -> bytes:
    """A picture with gradients and grain, as a JPEG."""
    size = (1200, 800)
    channels = [
        Image.blend(
            Image.linear_gradient("L").rotate(chance.randrange(4) * 90).resize(size),
            Image.frombytes("L", size, chance.randbytes(size[0] * size[1])),
            0.1,
        )
        for _ in range(3)
    ]
    return _jpeg(Image.merge("RGB", channels))


def _real_books() -> list[Book]:
    found = []
    for path in sorted(shared_pdfs(), key=lambda path: -path.stat().st_size):
        try:
            with pymupdf.open(path) as document:
                pages = document.page_count
        except (RuntimeError, ValueError):
            continue  # one of them is damaged on purpose
        if pages >= _REAL_PAGES:
            name = path.stem.rpartition("__")[2].removesuffix("-komprimiert")
            found.append(Book(name, path.read_bytes(), pages, is_real=True))
    return found
