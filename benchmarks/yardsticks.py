"""What the service's speed is compared with: processes that only draw pages and encode them.

There is no server, queue, database, progress, text or file. Each process is warm and has opened the
document before the clock starts.
"""

import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pymupdf
from PIL import Image

from benchmarks.books import Book
from wordai_jobs import linux
from wordai_jobs.rendering.image import encode_image
from wordai_jobs.rendering.protocol import RenderOptions

_DPI = 150
_OPTIONS = RenderOptions(_DPI, "auto", 85, 40_000_000)
_GREYS = bytes(level for level in range(256) for _ in "RGB")
# Services of this kind use Pillow's defaults, or close to them.
_WEBP_QUALITY = 80
_FREED_MEMORY_KEPT = 64 * 1024 * 1024
CORES = len(psutil.Process().cpu_affinity())


@dataclass(frozen=True, slots=True)
class Yardstick:
    """How to turn a page into an image.

    `page_step` is 7 if every seventh page is enough to know the speed. It has no divisor in common
    with 6: the built books repeat after six pages.
    """

    encode: Callable[[pymupdf.Page], object]
    page_step: int = 1
    processes: int = CORES
    keeps_freed_memory: bool = False


def _draw(page: pymupdf.Page) -> None:
    zoom = pymupdf.Matrix(_DPI / 72, _DPI / 72)
    page.get_displaylist().get_pixmap(matrix=zoom, alpha=False, colorspace=pymupdf.csRGB)


def _save_png(page: pymupdf.Page) -> None:
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        page.get_pixmap(dpi=_DPI).save(file.name)


def _encode_with_pillow(page: pymupdf.Page) -> bytes:
    """An image as the contract demands, lossless up to 256 colours, encoded by Pillow alone."""
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


def _encode_as_the_service(page: pymupdf.Page) -> bytes:
    return encode_image(page.get_pixmap(dpi=_DPI, alpha=False), _OPTIONS).content


def _save_webp(page: pymupdf.Page) -> None:
    png = page.get_pixmap(dpi=_DPI).tobytes("png")
    with tempfile.TemporaryFile() as file:
        Image.open(io.BytesIO(png)).save(file, "WEBP", quality=_WEBP_QUALITY)


# The first are measured right after the service: a virtual machine's speed varies within seconds.
YARDSTICKS = {
    "the old ceiling": Yardstick(_encode_with_pillow),
    "the new ceiling": Yardstick(_encode_as_the_service, keeps_freed_memory=True),
    "the usual pipeline": Yardstick(_save_webp, page_step=31, processes=1),
    "the limit": Yardstick(_draw),
    "MuPDF's own": Yardstick(_save_png, page_step=7),
}


@contextmanager
def pages_per_second(name: str, book: Book) -> Iterator[Callable[[], float]]:
    """Starts the yardstick's processes; each call of the result is one run."""
    yardstick = YARDSTICKS[name]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        pdf = Path(folder) / "book.pdf"
        pdf.write_bytes(book.pdf)
        workers = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.yardsticks", name, str(pdf), str(first)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for first in range(yardstick.processes)
        ]

        def run() -> float:
            _say_and_hear(workers)
            started = time.perf_counter()
            _say_and_hear(workers)
            seconds = time.perf_counter() - started
            return len(range(0, book.pages, yardstick.page_step)) / seconds

        try:
            yield run
        finally:
            for worker in workers:
                worker.communicate()


def _say_and_hear(workers: list[subprocess.Popen[bytes]]) -> None:
    """Have all of them do the next step, and wait until all of them have."""
    for worker in workers:
        assert worker.stdin
        worker.stdin.write(b"\n")
        worker.stdin.flush()
    for worker in workers:
        assert worker.stdout and worker.stdout.readline(), "a yardstick has ended early"


def main(name: str, path: str, first: int) -> None:
    """Process `first` of n renders every n-th of the pages, once for every two lines of input."""
    yardstick = YARDSTICKS[name]
    if yardstick.keeps_freed_memory:
        linux.keep_freed_memory(_FREED_MEMORY_KEPT)
    with pymupdf.open(path) as document:
        yardstick.encode(document[0])
    while sys.stdin.readline():
        # Opened for each run: MuPDF keeps pictures of a document that stays open.
        with pymupdf.open(path) as document:
            print("ready", flush=True)
            sys.stdin.readline()
            numbers = range(0, document.page_count, yardstick.page_step)
            for number in numbers[first :: yardstick.processes]:
                yardstick.encode(document[number])
            print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
