"""The image of a page: exact if a palette holds its colours, and readable for other programs."""

import io
import zlib
from collections.abc import Callable
from random import Random

import numpy as np
import pymupdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from wordai_jobs.rendering import image
from wordai_jobs.rendering.protocol import RenderOptions

Colour = tuple[int, int, int]


def pixmap_of(width: int, height: int, colour_at: Callable[[int, int], Colour]) -> pymupdf.Pixmap:
    pixmap = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, width, height))
    for y in range(height):
        for x in range(width):
            pixmap.set_pixel(x, y, colour_at(x, y))
    return pixmap


def encoded(pixmap: pymupdf.Pixmap, kind: str = "auto") -> Image.Image:
    data = image.encode_image(pixmap, RenderOptions(150, kind, 85, 1_000_000))
    opened = Image.open(io.BytesIO(data.content))
    assert data.ending == {"PNG": ".png", "JPEG": ".jpg"}[opened.format or ""]
    return opened


def is_exact(found: Image.Image, pixmap: pymupdf.Pixmap) -> bool:
    original = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)
    return bool((np.asarray(found.convert("RGB")) == original).all())


@settings(deadline=None)  # a busy machine may take its time
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_a_page_of_few_colours_is_exact(
    width: int, height: int, colours: list[Colour], chance: Random
) -> None:
    pixmap = pixmap_of(width, height, lambda x, y: chance.choice(colours))
    found = encoded(pixmap)
    assert found.format == "PNG" and is_exact(found, pixmap)


def test_all_256_greys_are_exact_in_one_byte_a_pixel() -> None:
    pixmap = pixmap_of(16, 16, lambda x, y: (16 * y + x,) * 3)
    found = encoded(pixmap)
    assert found.mode == "L" and is_exact(found, pixmap)


def test_one_coloured_pixel_among_greys_keeps_its_colour() -> None:
    """It is not among those that are looked at first."""
    pixmap = pixmap_of(20, 20, lambda x, y: (250, 10, 10) if (x, y) == (3, 3) else (9, 9, 9))
    found = encoded(pixmap)
    assert found.mode == "P" and is_exact(found, pixmap)


@pytest.mark.parametrize(("kind", "expected"), [("auto", "JPEG"), ("jpeg", "JPEG"), ("png", "PNG")])
def test_more_colours_than_a_palette_holds(kind: str, expected: str) -> None:
    pixmap = pixmap_of(40, 40, lambda x, y: (6 * x, 6 * y, x + y))
    found = encoded(pixmap, kind)
    assert found.format == expected
    assert expected == "JPEG" or is_exact(found, pixmap)


def test_without_isal_the_pixels_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pixmap = pixmap_of(30, 30, lambda x, y: (x, x, x))
    monkeypatch.setattr(image, "compress", zlib.compress)
    assert is_exact(encoded(pixmap), pixmap)


def thumbnail(pixels: image.Pixels) -> Image.Image:
    height, width, _ = pixels.shape
    pixmap = pymupdf.Pixmap(pymupdf.csRGB, width, height, pixels.tobytes(), False)
    encoded = image.encode_image(pixmap, RenderOptions(150, "auto", 85, 1_000_000))
    opened = Image.open(io.BytesIO(encoded.thumbnail))
    assert opened.format == "JPEG"
    return opened


@pytest.mark.parametrize(
    ("width", "height"),
    [(1240, 1754), (1275, 1650), (480, 300), (479, 300), (320, 200), (319, 200), (160, 90)],
)
def test_a_thumbnail_is_160_to_200_pixels_wide_and_has_the_shape_of_its_page(
    width: int, height: int
) -> None:
    small = thumbnail(np.full((height, width, 3), 255, np.uint8))
    assert 160 <= small.width <= 200 and small.mode == "L"
    assert small.height == pytest.approx(small.width * height / width, abs=2)


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (90, 50), (64_000, 2), (2, 64_000), (20_000, 300)]
)
def test_a_page_of_a_strange_shape_has_a_thumbnail_too(width: int, height: int) -> None:
    small = thumbnail(np.full((height, width, 3), (9, 99, 200), np.uint8))
    assert small.width <= min(width, 200) and small.height <= min(height, 2000)
    assert small.getpixel((0, 0)) == pytest.approx((9, 99, 200), abs=6)


def test_a_thumbnail_shows_what_is_on_the_page() -> None:
    page = np.full((800, 1000, 3), (250, 10, 10), np.uint8)
    page[:, 500:] = (10, 10, 250)
    small = thumbnail(page)
    assert small.getpixel((10, 10)) == pytest.approx((250, 10, 10), abs=12)
    corner = (small.width - 10, small.height - 10)
    assert small.getpixel(corner) == pytest.approx((10, 10, 250), abs=12)
