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
    data, ending = image.encode_image(pixmap, RenderOptions(150, kind, 85, 1_000_000))
    opened = Image.open(io.BytesIO(data))
    assert ending == {"PNG": ".png", "JPEG": ".jpg"}[opened.format or ""]
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
