"""PDFs that are made to do harm: to hang, to use up memory, to mislead."""

import random
import zlib
from collections.abc import Iterator, Sequence
from functools import cache

from tests.support.pdfs import (
    CATALOGUE,
    form,
    page_pdf,
    raw_pdf,
    shared_pdfs,
    stream,
    text_pdf,
)

GIGABYTE = 1024**3
_MEGABYTE = 1024**2
_EMPTY_PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>"
# There are many mutations, and large sources would only make them slow.
_LARGEST_SOURCE_BYTES = 30_000
_TOKENS = (b"999999999", b"-1", b"<<", b">>", b"0 R", b"endobj", b"\0")


@cache
def deflated_zeros(size: int = GIGABYTE) -> bytes:
    """About `size` / 1000 bytes, which inflate to `size` zeros; `size` in whole MB."""
    block = bytes(_MEGABYTE)
    compressor = zlib.compressobj(9)
    first = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
    # After a full flush all blocks are the same.
    again = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
    end = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    adler32 = (size % 65521 << 16) + 1
    return first + again * (size // _MEGABYTE - 1) + end + adler32.to_bytes(4, "big")


@cache
def content_bomb_pdf() -> bytes:
    """One page whose content stream inflates to a gigabyte."""
    return page_pdf(deflated_zeros(), is_deflated=True)


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
    """Empty pages, each an object, because MuPDF refuses more pages than objects."""
    kids = b" ".join(b"%d 0 R" % number for number in range(3, pages + 3))
    tree = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, pages)
    return raw_pdf(CATALOGUE, tree, *[_EMPTY_PAGE] * pages)


def _outlined_pdf(items: Sequence[bytes]) -> bytes:
    """One page, and an outline whose entries are the objects from 5 on."""
    labels = b"/PageLabels << /Nums [0 << /S /r >>] >>"
    return raw_pdf(
        b"<< /Type /Catalog /Pages 2 0 R /Outlines 4 0 R %b >>" % labels,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        _EMPTY_PAGE,
        b"<< /Type /Outlines /First 5 0 R >>",
        *items,
    )


def circular_outline_pdf() -> bytes:
    """An outline whose entries contain and follow each other."""
    entry = b"<< /Title (Again) /Parent 4 0 R /Dest [3 0 R /Fit] /Next %d 0 R /First %d 0 R >>"
    return _outlined_pdf([entry % (6, 6), entry % (5, 5)])


@cache
def deep_outline_pdf(depth: int) -> bytes:
    """An outline whose entries contain one another."""
    entry = b"<< /Title (Down) /Parent %d 0 R /Dest [3 0 R /Fit] /First %d 0 R >>"
    below = [entry % (number - 1, number + 1) for number in range(5, depth + 4)]
    return _outlined_pdf([*below, b"<< /Title (End) /Dest [3 0 R /Fit] >>"])


@cache
def long_outline_pdf(entries: int, title: bytes = b"On") -> bytes:
    """An outline of many entries."""
    entry = b"<< /Title (%b) /Parent 4 0 R /Dest [3 0 R /Fit] /Next %d 0 R >>"
    return _outlined_pdf([entry % (title, number + 1) for number in range(5, entries + 5)])


def xref_bomb_pdf() -> bytes:
    """A cross-reference stream that inflates to a gigabyte."""
    head = b"%%PDF-1.7\n1 0 obj\n%b\nendobj\n2 0 obj\n%b\nendobj\n" % (
        CATALOGUE,
        b"<< /Type /Pages /Kids [] /Count 0 >>",
    )
    entries = b"/Type /XRef /W [1 1 1] /Size %d /Root 1 0 R /Filter /FlateDecode" % (GIGABYTE // 3)
    table = b"3 0 obj\n%b\nendobj\n" % stream(deflated_zeros(), entries)
    return head + table + b"startxref\n%d\n%%%%EOF\n" % len(head)


def false_count_pdf(claimed: int) -> bytes:
    """One page in a page tree that claims to have more."""
    tree = b"<< /Type /Pages /Kids [3 0 R] /Count %d >>" % claimed
    return raw_pdf(CATALOGUE, tree, _EMPTY_PAGE)


def circular_pages_pdf() -> bytes:
    """A page tree that contains itself."""
    return raw_pdf(
        CATALOGUE,
        b"<< /Type /Pages /Kids [3 0 R] /Count 3 >>",
        b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R] /Count 3 >>",
    )


def circular_form_pdf() -> bytes:
    """A page that draws a form that draws itself."""
    resources = b"/XObject << /F 5 0 R >>"
    itself = form(b"/F Do", b"/Resources << %b >>" % resources)
    return page_pdf(b"/F Do", itself, resources=resources)


@cache
def wordy_pdf(words: int) -> bytes:
    """One page with far more words than anyone could read."""
    lines = (
        b"1 0 0 1 10 %d Tm (%b) Tj\n" % (10 + line % 700, b"ab " * 100)
        for line in range(words // 100)
    )
    content = zlib.compress(b"BT /F 1 Tf\n" + b"".join(lines) + b"ET")
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    return page_pdf(content, font, resources=b"/Font << /F 5 0 R >>", is_deflated=True)


def wide_pdf(width: int = 100_000, height: int = 10) -> bytes:
    """A page far wider than high, in more colours than a palette holds."""
    ramp = (
        b"<< /ShadingType 2 /ColorSpace /DeviceRGB /Coords [0 0 %d 0] "
        b"/Function << /FunctionType 2 /Domain [0 1] /C0 [%b] /C1 [%b] /N 1 >> >>"
    )
    shadings = ramp % (width, b"1 0 0", b"0 0.5 1"), ramp % (width, b"0 1 0", b"1 0 0.5")
    content = b"/S sh 0 0 %d %d re W n /T sh" % (width, height // 2)
    resources = b"/Shading << /S %b /T %b >>" % shadings
    return page_pdf(content, resources=resources, width=width, height=height)


def without_xref(pdf: bytes) -> bytes:
    """The cross-reference table points to wrong places."""
    before, _, after = pdf.rpartition(b"startxref")
    return before.replace(b"0000 n", b"4242 n") + b"startxref\n99999999" + after[-7:]


def truncated(pdf: bytes, part: float) -> bytes:
    return pdf[: int(len(pdf) * part)]


def mutations(count: int, seed: int, sources: Sequence[bytes] | None = None) -> Iterator[bytes]:
    """`count` damaged copies of PDFs, the same for each seed. If no sources are given, they are
    small PDFs, real ones if there are any.
    """
    chance = random.Random(seed)
    if sources is None:
        shared = [path.read_bytes() for path in shared_pdfs()]
        small = [pdf for pdf in shared if len(pdf) <= _LARGEST_SOURCE_BYTES]
        built = [text_pdf(1), text_pdf(2), circular_form_pdf(), page_pdf(b"0 0 m 9 9 l S")]
        sources = small or built
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
            damaged[at : at + 1] = chance.choice(_TOKENS)
    return bytes(damaged)
