"""The PDFs to measure with: a built book with text, drawings and photographs, and real books."""

import io
import random
from dataclasses import dataclass
from functools import cache

import pymupdf
from PIL import Image

from tests.support.pdfs import shared_pdfs

BOOK_PAGES = 283
_PHOTOS = 12
_REAL = 3
_WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod tempor"


@dataclass(frozen=True)
class Book:
    name: str
    pdf: bytes
    pages: int


def measured_books() -> list[Book]:
    """The built book, then the three largest real PDFs with several pages, if there are any."""
    return [built_book(), *_real_books()]


@cache
def built_book(pages: int = BOOK_PAGES) -> Book:
    """Text on every page, shapes on every third, a photograph on every sixth; always the same."""
    chance = random.Random(pages)
    with pymupdf.open() as document:
        photos: list[int] = []
        for number in range(pages):
            page = document.new_page()
            _write_text(page, number, chance)
            if number % 3 == 1:
                _draw(page, chance)
            if number % 6 == 2:
                _place_photo(page, photos, chance)
        pdf = bytes(document.tobytes(garbage=1, deflate=True))
        return Book(f"built book, {pages} pages", pdf, pages)


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
    buffer = io.BytesIO()
    Image.merge("RGB", channels).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _real_books() -> list[Book]:
    found = []
    for path in sorted(shared_pdfs(), key=lambda path: -path.stat().st_size):
        try:
            with pymupdf.open(path) as document:
                pages = document.page_count
        except (RuntimeError, ValueError):
            continue  # one of them is damaged on purpose
        if pages > 1:
            name = path.stem.rpartition("__")[2][:24]
            found.append(Book(f"{name}, {pages} pages", path.read_bytes(), pages))
    return found[:_REAL]
