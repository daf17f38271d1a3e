"""The ceiling: one independent process per core that does only `get_pixmap` and Pillow's encoder.

There is no server, queue, database, progress, text or file. Images are as the contract demands
(lossless up to 256 colours, else JPEG), encoded in the fastest known way, as in the service. Each
process is warm and has opened the document before the clock starts.
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

_DPI = 150
_GREYS = bytes(level for level in range(256) for _ in "RGB")


def pages_per_second(book: Book, processes: int) -> float:
    """One run, in which process i of n renders pages i, i + n, i + 2 n, …"""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        pdf = Path(folder) / "book.pdf"
        pdf.write_bytes(book.pdf)
        workers = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.ceiling", str(pdf), str(first), str(processes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for first in range(processes)
        ]
        for worker in workers:
            _wait_for_line(worker)
        started = time.perf_counter()
        for worker in workers:
            assert worker.stdin
            worker.stdin.write(b"go\n")
            worker.stdin.flush()
        for worker in workers:
            _wait_for_line(worker)
        seconds = time.perf_counter() - started
        for worker in workers:
            worker.communicate()
        return book.pages / seconds


def _wait_for_line(worker: subprocess.Popen[bytes]) -> None:
    assert worker.stdout and worker.stdout.readline(), "a process of the ceiling has ended early"


def main(path: str, first: int, step: int) -> None:
    Image.preinit()
    with pymupdf.open(path) as document:
        _encode(document[first])
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(first, document.page_count, step):
            _encode(document[number])
        print("done", flush=True)


def _encode(page: pymupdf.Page) -> bytes:
    pixmap = page.get_pixmap(dpi=_DPI, alpha=False)
    image = Image.new("RGB", (pixmap.width, pixmap.height), None)
    image.frombytes(pixmap.samples_mv, "raw", "RGB", pixmap.stride, 1)
    buffer = io.BytesIO()
    colours = image.getcolors(256)
    if not colours:
        image.save(buffer, "JPEG", quality=85, subsampling=2)
    elif all(red == green == blue for _, (red, green, blue) in colours):  # type: ignore[misc]
        grey = image.getchannel(0)
        grey.putpalette(_GREYS)
        grey.save(buffer, "PNG", compress_level=1)
    else:
        image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            buffer, "PNG", compress_level=1
        )
    return buffer.getvalue()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
