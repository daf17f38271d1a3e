"""Whether boxes on an image have something written in them."""

import math
from collections.abc import Sequence

from PIL import Image


def is_written_on(grey: Image.Image, box: Sequence[float]) -> bool:
    return bool(ink_in(grey, box))


def ink_in(grey: Image.Image, box: Sequence[float]) -> int:
    """The number of dark pixels in a box."""
    x0, y0, x1, y1 = box
    part = grey.crop((int(x0), int(y0), math.ceil(x1), math.ceil(y1)))
    return sum(part.histogram()[:128])
