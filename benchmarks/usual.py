"""The usual pipeline, for comparison: one thread turns each page into a PNG with MuPDF, and into
WebP with Pillow.

`python -m benchmarks.usual PDF FOLDER STEP` does so for every STEP-th page and prints pages per
second.
"""

import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pymupdf
from PIL import Image

from benchmarks.books import Book

# Services of this kind use Pillow's defaults, or close to them.
_WEBP_QUALITY = 80
_DPI = 150


def pages_per_second(book: Book, step: int) -> float:
    """One run in a fresh process, over every `step`-th page: the whole book takes half a minute."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        pdf = Path(folder) / "book.pdf"
        pdf.write_bytes(book.pdf)
        command = [sys.executable, "-m", "benchmarks.usual", str(pdf), folder, str(step)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(path: str, folder: str, step: int) -> None:
    started = time.perf_counter()
    with pymupdf.open(path) as document:
        numbers = range(0, document.page_count, step)
        for number in numbers:
            png = document[number].get_pixmap(dpi=_DPI).tobytes("png")
            Image.open(io.BytesIO(png)).save(
                Path(folder) / f"{number}.webp", "WEBP", quality=_WEBP_QUALITY
            )
    print(len(numbers) / (time.perf_counter() - started))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
