"""Turns the pixels of a page into a PNG or a JPEG, and a thumbnail. Runs in a child only."""

import io
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pymupdf
from PIL import Image, ImageChops

from wordai_jobs.rendering.protocol import RenderOptions

try:
    # Ten times as fast as zlib at this level, for files of the same size.
    from isal.isal_zlib import compress
except ImportError:  # there is no wheel for this machine
    from zlib import compress

_PALETTE_COLOURS = 256
_LEVEL = 1
_CHROMA_4_2_0 = 2
_GREY, _PALETTE = 0, 3  # colour types of PNG (RFC 2083, 4.1.1)
# A larger image would take memory that the next page may need: four bytes a pixel.
_MOST_REUSED_PIXELS = 8_000_000
# The width of a thumbnail in pixels, unless its page is narrower, or too high for that.
_THUMBNAIL_WIDTH = 160
_HIGHEST_THUMBNAIL = 2000
# A pixel of a thumbnail is the mean of a square of pixels; this is the length of a side.
_PICKED = 2
_THUMBNAIL_QUALITY = 75

Pixels = npt.NDArray[np.uint8]

# Red and green, green and blue, but not blue and the next red.
_WITHIN_A_PIXEL = np.array((255, 255, 0), np.uint8)


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """An image file, the ending of its name, and a thumbnail, which is a JPEG."""

    content: bytes
    ending: str
    thumbnail: bytes


def encode_image(
    pixmap: pymupdf.Pixmap, options: RenderOptions, *, is_likely_grey: bool = False
) -> EncodedImage:
    """The image of a pixmap in RGB or in greys.

    With the format `auto`, a page of at most 256 colours becomes a PNG, whose pixels are exact, and
    any other a JPEG. `is_likely_grey` decides only what is tried first.
    """
    may_be_png = options.format != "jpeg"
    if pixmap.n == 1 or (may_be_png and is_likely_grey and _is_grey(_pixels(pixmap))):
        return _grey_image(_pixels(pixmap)[:, :, 0])
    # Pillow keeps RGB in four bytes a pixel, so the pixmap must be copied.
    is_usual = pixmap.width * pixmap.height <= _MOST_REUSED_PIXELS
    image = (_reused_image if is_usual else _new_image)(pixmap.width, pixmap.height)
    image.frombytes(pixmap.samples_mv, "raw", "RGB", pixmap.stride, 1)
    few = _few_pixels(image)
    # These tell most pages that have too many colours: to count those of all pixels takes 4 ms.
    may_be_png = may_be_png and few.getcolors(_PALETTE_COLOURS) is not None
    if may_be_png and not is_likely_grey and _is_grey(_pixels(pixmap)):
        return _grey_image(_pixels(pixmap)[:, :, 0])
    thumbnail = _thumbnail(few)
    if may_be_png and image.getcolors(_PALETTE_COLOURS) is not None:
        return EncodedImage(_palette_png(image), ".png", thumbnail)
    if options.format == "png":
        return EncodedImage(_saved(image, "PNG", compress_level=_LEVEL), ".png", thumbnail)
    lossy = {"quality": options.jpeg_quality, "subsampling": _CHROMA_4_2_0}
    return EncodedImage(_saved(image, "JPEG", **lossy), ".jpg", thumbnail)


def _pixels(pixmap: pymupdf.Pixmap) -> Pixels:
    """The rows, columns and channels of a pixmap, without a copy."""
    shape, strides = (pixmap.height, pixmap.width, pixmap.n), (pixmap.stride, pixmap.n, 1)
    return np.ndarray(shape, np.uint8, pixmap.samples_mv, strides=strides)


def _new_image(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height))


# Pillow takes 1 ms to fill a new image, and most pages of a book have the same size.
_reused_image = lru_cache(maxsize=1)(_new_image)


def _grey_image(greys: Pixels) -> EncodedImage:
    greys = np.ascontiguousarray(greys)
    height, width = greys.shape
    image = Image.frombuffer("L", (width, height), greys, "raw", "L", 0, 1)
    return EncodedImage(_png(greys, _GREY), ".png", _thumbnail(_few_pixels(image)))


def _is_grey(pixels: Pixels) -> bool:
    height, width, _ = pixels.shape
    lines = pixels.reshape(height, width * 3)
    # Each value is compared with the next: three times as fast as comparing every third value.
    differences = lines[:, 1:] ^ lines[:, :-1]
    differences &= np.tile(_WITHIN_A_PIXEL, width)[:-1]
    return not differences.any()


def _palette_png(image: Image.Image) -> bytes:
    # MAXCOVERAGE was exact on every page that was tried, FASTOCTREE on none. It is checked because
    # exact is the promise.
    palette = image.quantize(
        _PALETTE_COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    if ImageChops.difference(palette.convert("RGB"), image).getbbox():
        return _saved(image, "PNG", compress_level=_LEVEL)
    return _png(np.asarray(palette), _PALETTE, bytes(palette.getpalette("RGB") or ()))


def _few_pixels(image: Image.Image) -> Image.Image:
    """Twice as wide and as high as its thumbnail, of pixels that are picked at equal distances."""
    columns = min(_THUMBNAIL_WIDTH, image.width)
    rows = max(1, round(columns * image.height / image.width))
    if rows > _HIGHEST_THUMBNAIL:
        columns, rows = max(1, columns * _HIGHEST_THUMBNAIL // rows), _HIGHEST_THUMBNAIL
    return image.resize((columns * _PICKED, rows * _PICKED), Image.Resampling.NEAREST)


def _thumbnail(few_pixels: Image.Image) -> bytes:
    """A small JPEG. A pixel of it is the mean of a few pixels of a square: to look at all of them
    would take ten times as long.
    """
    return _saved(few_pixels.reduce(_PICKED), "JPEG", quality=_THUMBNAIL_QUALITY)


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    """Encoded by Pillow, which filters the lines of a PNG: colourful ones become small that way."""
    encoded = io.BytesIO()
    image.save(encoded, kind, **options)
    return encoded.getvalue()


def _png(indexes: Pixels, colour_type: int, palette: bytes = b"") -> bytes:
    """A PNG of one byte a pixel, put together by hand: Pillow takes ten times as long for it."""
    height, width = indexes.shape
    lines = np.zeros((height, width + 1), np.uint8)  # each begins with its filter: 0 is none
    lines[:, 1:] = indexes
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", palette), (b"IDAT", compress(lines, _LEVEL))]
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            *(_chunk(name, data) for name, data in chunks if data),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(name))
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)
