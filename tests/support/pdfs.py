"""PDFs built when they are needed, and the real ones, if they are beside the project."""

import io
import zlib
from functools import cache
from pathlib import Path

import pymupdf
from PIL import Image

SHARED = Path(__file__).resolve().parents[3] / "shared" / "pdfs"
BOOK = "mupdf_explored.pdf"
CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"
PARAGRAPH = (
    "This is the first paragraph of the chapter, and it is longer than a line of the page so that "
    "the text has to be put together from several of them for a reader who likes it to flow."
)
_LOREM = b"lorem ipsum dolor "
_AES_256 = 5  # PyMuPDF's number for it
_TRIANGLE = b"0 0 m 500 600 l 300 200 l h f"
_ONE_PAGE = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"


def shared_pdfs() -> list[Path]:
    return sorted(SHARED.glob("*.pdf"))


def first_pages_of_book(count: int) -> bytes:
    """The beginning of a real book, with its outline."""
    with pymupdf.open(SHARED / BOOK) as document:
        document.select(range(count))
        return bytes(document.tobytes(garbage=3))


@cache
def text_pdf(pages: int, words: int = 150, first_line: str | None = None) -> bytes:
    """Black text on white; page n begins with `page n of pages`, or with `first_line` (Latin-1).

    Made by hand, because PyMuPDF takes 3 ms for each page of it.
    """
    lines = b" T* ".join(b"(line %d %b) Tj" % (it, _LOREM * 4) for it in range(words // 14))
    objects = [
        CATALOGUE,
        b"<< /Type /Pages /Count %d /Kids [%b] >>"
        % (pages, b" ".join(b"%d 0 R" % (5 + 2 * page) for page in range(pages))),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        stream(b"BT /F 9 Tf 12.366 TL 72 732 Td %b ET" % lines),
    ]
    for number in range(1, pages + 1):
        first = (first_line or f"page {number} of {pages}").encode("latin-1").hex().encode()
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents [%d 0 R 4 0 R] "
            b"/Resources << /Font << /F 3 0 R >> >> >>" % (4 + 2 * number),
            stream(b"BT /F 14 Tf 72 770 Td <%b> Tj ET\n" % first),
        ]
    return raw_pdf(*objects)


@cache
def headings_pdf() -> bytes:
    """One page: the heading `Chapter one` and a paragraph of several lines."""
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_text((72, 90), "Chapter one", fontsize=24)
        page.insert_textbox((72, 110, 400, 300), PARAGRAPH, fontsize=11)
        return bytes(document.tobytes())


def page_count(pdf: bytes) -> int:
    with pymupdf.open(stream=pdf) as document:
        return len(document)


@cache
def photo_pdf(width: int = 400, height: int = 300) -> bytes:
    """One page with a picture of many colours."""
    linear, radial = Image.linear_gradient("L"), Image.radial_gradient("L")
    bands = [band.resize((width, height)) for band in (linear, radial, linear.rotate(90))]
    return _picture_pdf(Image.merge("RGB", bands))


@cache
def noise_pdf(width: int, height: int) -> bytes:
    """One page with a picture that no encoder makes small."""
    bands = [Image.effect_noise((width, height), 100) for _ in "RGB"]
    return _picture_pdf(Image.merge("RGB", bands))


def pictures_pdf(pages: int, width: int = 1900, height: int = 1900) -> bytes:
    """A black picture of its own on each page: small as a file, 11 MB once it is decoded."""
    entries = b"/Type /XObject /Subtype /Image /Width %d /Height %d " % (width, height)
    entries += b"/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode"
    black = stream(zlib.compress(bytes(width * height * 3)), entries)
    kids, objects = b"", []
    for page in range(pages):
        first = 3 + 3 * page
        kids += b"%d 0 R " % first
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 500 500] /Contents %d 0 R "
            b"/Resources << /XObject << /P %d 0 R >> >> >>" % (first + 1, first + 2),
            stream(b"500 0 0 500 0 0 cm /P Do"),
            black,
        ]
    return raw_pdf(CATALOGUE, b"<< /Type /Pages /Kids [ %b] /Count %d >>" % (kids, pages), *objects)


@cache
def guided_pdf(pages: int = 45) -> bytes:
    """Text with a title, an outline, page labels, and links of every kind on each page."""
    with pymupdf.open(stream=text_pdf(pages)) as document:
        document.set_metadata({"title": "A guided\ttour"})
        chapters = [[2, f"Chapter {number}", number] for number in range(4, pages, 3)]
        document.set_toc(
            [
                *([1, "Preface", 1], [1, "Phần một\u202e\x07", 3], [2, "日本語", 3]),
                *(*chapters, [1, "", pages]),
            ]
        )
        document.set_page_labels(
            [
                {"startpage": 0, "style": "r", "prefix": "", "firstpagenum": 1},
                {"startpage": 3, "style": "D", "prefix": "A-", "firstpagenum": 7},
                {"startpage": 30, "style": "", "prefix": "", "firstpagenum": 1},
                {"startpage": 32, "style": "A", "prefix": "", "firstpagenum": 5},
            ]
        )
        for page in document:
            for number, link in enumerate(_links(page.number, pages)):
                where = pymupdf.Rect(72, 72 + 20 * number, 200.25, 84 + 20 * number)
                page.insert_link({**link, "from": where})
        return bytes(document.tobytes())


def _links(page: int, pages: int) -> list[dict[str, object]]:
    targets = (0, page, min(page + 1, pages - 1), pages - 1)
    uris = (
        f"https://example.com/{page}?a=b#c",
        "HTTP://EXAMPLE.COM/a b",
        "mailto:somebody@example.com",
        "javascript:alert(1)",
        "ftp://example.com",
    )
    links: list[dict[str, object]] = [
        {"kind": pymupdf.LINK_GOTO, "page": target} for target in targets
    ]
    links += [{"kind": pymupdf.LINK_URI, "uri": uri} for uri in uris]
    return [*links, {"kind": pymupdf.LINK_LAUNCH, "file": "another.pdf"}]


def _picture_pdf(picture: Image.Image) -> bytes:
    """One page (A4 or larger) with the picture an inch from its corner, one point per pixel."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    right, bottom = 72 + picture.width, 72 + picture.height
    with pymupdf.open() as document:
        page = document.new_page(width=max(right, 595), height=max(bottom, 842))
        page.insert_image(pymupdf.Rect(72, 72, right, bottom), stream=buffer.getvalue())
        return bytes(document.tobytes())


@cache
def encrypted_pdf() -> bytes:
    with pymupdf.open() as document:
        document.new_page()
        return bytes(document.tobytes(encryption=_AES_256, user_pw="secret", owner_pw="owner"))


def raw_pdf(*objects: bytes) -> bytes:
    """A PDF with the given objects, numbered from 1; the first is the catalogue."""
    out = io.BytesIO()
    out.write(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
    start, size = out.tell(), len(objects) + 1
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
    out.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
    out.write(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start))
    return out.getvalue()


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A stream object."""
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), entries, content)


def no_pages_pdf() -> bytes:
    return raw_pdf(CATALOGUE, b"<< /Type /Pages /Kids [] /Count 0 >>")


def page_pdf(
    content: bytes,
    *more: bytes,
    resources: bytes = b"",
    width: int = 612,
    height: int = 792,
    is_deflated: bool = False,
) -> bytes:
    """One page with this content stream (object 4); further objects count from 5."""
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources << %b >> >>"
    )
    return raw_pdf(
        CATALOGUE,
        _ONE_PAGE,
        page % (width, height, resources),
        stream(content, b"/Filter /FlateDecode" if is_deflated else b""),
        *more,
    )


def pdf_of_size(size: int) -> bytes:
    """One empty page, and a stream that fills the file up to `size` bytes."""
    surplus = len(page_pdf(b"", stream(bytes(size)))) - size
    pdf = page_pdf(b"", stream(bytes(size - surplus)))
    assert len(pdf) == size
    return pdf


def form(content: bytes, entries: bytes = b"") -> bytes:
    """A form: a stream object that a page, or another form, draws."""
    return stream(content, b"/Type /XObject /Subtype /Form /BBox [0 0 600 700] " + entries)


@cache
def hanging_pdf() -> bytes:
    """One page filled with 17 billion tiles: it takes hours, but no more memory than others."""
    tile = stream(
        _TRIANGLE,
        b"/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 600 700] "
        b"/XStep 0.005 /YStep 0.005 /Resources << >>",
    )
    filled = b"/Pattern cs /P0 scn 0 0 600 700 re f"
    return page_pdf(filled, tile, resources=b"/Pattern << /P0 5 0 R >>")


def hanging_pages_pdf(pages: int) -> bytes:
    """Pages that each take hours."""
    with pymupdf.open(stream=hanging_pdf()) as document:
        for _ in range(pages - 1):
            document.fullcopy_page(0)
        return bytes(document.tobytes())


@cache
def nested_forms_pdf(depth: int = 9, width: int = 10) -> bytes:
    """One page of nested forms: `width` to the power of `depth` drawings, for hours."""
    forms = [
        form(
            b"/F%d Do " % (level + 1) * width,
            b"/Resources << /XObject << /F%d %d 0 R >> >>" % (level + 1, level + 6),
        )
        for level in range(depth)
    ]
    return page_pdf(b"/F0 Do", *forms, form(_TRIANGLE), resources=b"/XObject << /F0 5 0 R >>")


@cache
def stuck_pdf(before: int, pages: int) -> bytes:
    """Pages of text, with one that takes hours after the first `before`."""
    with (
        pymupdf.open(stream=text_pdf(pages)) as document,
        pymupdf.open(stream=hanging_pdf()) as hanging,
    ):
        document.insert_pdf(hanging, start_at=before)
        return bytes(document.tobytes())
