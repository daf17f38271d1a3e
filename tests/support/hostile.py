"""PDFs made to do harm: to hang, to blow up, to mislead. What is merely odd is in `pdfs`."""

import random
import zlib
from collections.abc import Iterator
from functools import cache

from tests.support.pdfs import page_pdf, raw_pdf, shared_pdfs, stream, text_pdf

GIGABYTE = 1024**3
_MEGABYTE = 1024**2
_CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"
# Mutations are many, so their sources are small; a large file only makes them slow.
_LARGEST_SOURCE_BYTES = 30_000


@cache
def deflated_zeros(size: int = GIGABYTE) -> bytes:
    """About a thousandth of `size` bytes, which inflate to that many zeros; `size` in whole MB."""
    block = bytes(_MEGABYTE)
    compressor = zlib.compressobj(9)
    first = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
    # A full flush makes blocks that repeat.
    again = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
    end = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    adler32 = (size % 65521 << 16) + 1
    return first + again * (size // _MEGABYTE - 1) + end + adler32.to_bytes(4, "big")


@cache
def content_bomb_pdf() -> bytes:
    """One page whose content stream inflates to a gigabyte."""
    return raw_pdf(
        _CATALOGUE,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>",
        stream(deflated_zeros(), b"/Filter /FlateDecode"),
    )


@cache
def image_bomb_pdf(side: int = 32_768) -> bytes:
    """One page with a grey image that inflates to a gigabyte."""
    image = stream(
        deflated_zeros(side * side),
        b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray "
        b"/BitsPerComponent 8 /Filter /FlateDecode" % (side, side),
    )
    return page_pdf(b"q 500 0 0 500 50 50 cm /I Do Q", image, resources=b"/XObject << /I 5 0 R >>")


@cache
def many_pages_pdf(pages: int) -> bytes:
    """Empty pages, each an object of its own: a page tree that claims more pages than there are
    objects is refused.
    """
    kids = b" ".join(b"%d 0 R" % number for number in range(3, pages + 3))
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>"
    return raw_pdf(
        _CATALOGUE, b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, pages), *[page] * pages
    )


def xref_bomb_pdf() -> bytes:
    """A cross-reference stream that inflates to a gigabyte."""
    head = (
        b"%PDF-1.7\n1 0 obj\n"
        + _CATALOGUE
        + b"\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
    )
    entries = b"/Type /XRef /W [1 1 1] /Size %d /Root 1 0 R /Filter /FlateDecode" % (GIGABYTE // 3)
    return (
        head
        + b"3 0 obj\n"
        + stream(deflated_zeros(), entries)
        + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(head)
    )


def false_count_pdf(claimed: int) -> bytes:
    """One page, where the page tree claims to have more."""
    return raw_pdf(
        _CATALOGUE,
        b"<< /Type /Pages /Kids [3 0 R] /Count %d >>" % claimed,
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>",
    )


def circular_pages_pdf() -> bytes:
    """A page tree that contains itself."""
    return raw_pdf(
        _CATALOGUE,
        b"<< /Type /Pages /Kids [3 0 R] /Count 3 >>",
        b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R] /Count 3 >>",
    )


def circular_form_pdf() -> bytes:
    """A page that draws a form that draws itself."""
    form = stream(
        b"/F Do",
        b"/Type /XObject /Subtype /Form /BBox [0 0 600 700] /Resources << /XObject << /F 5 0 R >> >>",
    )
    return page_pdf(b"/F Do", form, resources=b"/XObject << /F 5 0 R >>")


@cache
def wordy_pdf(words: int) -> bytes:
    """One page with that many words in it, far more than anybody could read."""
    lines = (
        b"1 0 0 1 10 %d Tm (%b) Tj\n" % (10 + line % 700, b"ab " * 100)
        for line in range(words // 100)
    )
    content = zlib.compress(b"BT /F 1 Tf\n" + b"".join(lines) + b"ET")
    return raw_pdf(
        _CATALOGUE,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
        stream(content, b"/Filter /FlateDecode"),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )


def wide_pdf(width: int = 100_000, height: int = 10) -> bytes:
    """A page far longer than wide, in more colours than a palette holds."""
    ramp = (
        b"<< /ShadingType 2 /ColorSpace /DeviceRGB /Coords [0 0 %d 0] /Function << /FunctionType 2 /Domain [0 1] "
        b"/C0 [%b] /C1 [%b] /N 1 >> >>"
    )
    shadings = ramp % (width, b"1 0 0", b"0 0.5 1"), ramp % (width, b"0 1 0", b"1 0 0.5")
    content = b"/S sh 0 0 %d %d re W n /T sh" % (width, height // 2)
    return page_pdf(
        content, resources=b"/Shading << /S %b /T %b >>" % shadings, width=width, height=height
    )


def without_xref(pdf: bytes) -> bytes:
    """The cross-reference table points anywhere."""
    before, _, after = pdf.rpartition(b"startxref")
    return before.replace(b"0000 n", b"4242 n") + b"startxref\n99999999" + after[-7:]


def truncated(pdf: bytes, part: float) -> bytes:
    return pdf[: int(len(pdf) * part)]


def mutations(count: int, seed: int) -> Iterator[bytes]:
    """`count` damaged copies of small PDFs: the real ones beside the project, or built ones. The
    same for the same seed.
    """
    chance = random.Random(seed)
    small = [
        path.read_bytes() for path in shared_pdfs() if path.stat().st_size <= _LARGEST_SOURCE_BYTES
    ]
    sources = small or [text_pdf(1), text_pdf(2), circular_form_pdf(), page_pdf(b"0 0 m 9 9 l S")]
    for number in range(count):
        yield _mutated(sources[number % len(sources)], chance)


def _mutated(source: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(source)
    for _ in range(chance.choice((1, 3, 10, 50))):
        at, length = chance.randrange(len(damaged)), chance.choice((1, 2, 8, 64))
        kind = chance.randrange(5)
        if kind == 0:
            damaged[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            damaged[at : at + length] = chance.randbytes(length)
        elif kind == 2:
            del damaged[at : at + length]
        elif kind == 3:
            other = chance.randrange(len(damaged))
            damaged[at:at] = damaged[other : other + length]
        else:
            damaged[at : at + 1] = chance.choice(
                (b"999999999", b"-1", b"<<", b">>", b"0 R", b"endobj", b"\0")
            )
    return bytes(damaged)
