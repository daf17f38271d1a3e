"""PDFs that need parts of MuPDF which plain text does not: fonts, filters, colours, forms."""

import io
import struct

import pymupdf
from PIL import Image, ImageCms

from tests.support.pdfs import page_pdf, stream

_SIDE = 64
_TEXT_FIELD, _CHECKBOX = 7, 2  # PyMuPDF's numbers for them


def kinds() -> dict[str, bytes]:
    """A PDF of one page for each kind, by its name."""
    latin = b"BT /F 24 Tf 72 700 Td (Fonts of the reader: \\344\\366\\374 fi 0123) Tj ET"
    chinese = b"BT /F 24 Tf 72 700 Td <4F60597D4E16754C> Tj ET"
    found = {
        f"the font {name}, not embedded": page_pdf(
            latin,
            b"<< /Type /Font /Subtype /%b /BaseFont /%b /Encoding /WinAnsiEncoding >>"
            % (kind, name.encode()),
            resources=b"/Font << /F 5 0 R >>",
        )
        for kind, name in (
            (b"Type1", "Helvetica-Oblique"),
            (b"Type1", "ZapfDingbats"),
            (b"TrueType", "ArialMT"),
            (b"TrueType", "Verdana-Bold"),
            (b"MMType1", "NoSuchFont_300_400"),
        )
    }
    found["Chinese, not embedded"] = composite(chinese, b"STSong-Light", b"GB1", b"UniGB-UCS2-H")
    found["Japanese, not embedded"] = composite(
        chinese, b"HeiseiMin-W3", b"Japan1", b"UniJIS-UCS2-V"
    )
    found["Korean, not embedded"] = composite(chinese, b"HYSMyeongJo", b"Korea1", b"UniKS-UCS2-H")
    found["from right to left"] = _from_right_to_left()
    found["a font of drawings"] = page_pdf(
        b"BT /F 40 Tf 72 600 Td (aba) Tj ET",
        b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] "
        b"/FirstChar 97 /LastChar 98 /Widths [1 1] /Resources << >> "
        b"/Encoding << /Type /Encoding /Differences [97 /square /triangle] >> "
        b"/CharProcs << /square 6 0 R /triangle 7 0 R >> >>",
        stream(b"1 0 0 0 1 1 d1 0 0 .8 .8 re f"),
        stream(b"1 0 d0 1 0 0 rg 0 0 m .8 0 l .4 .8 l f"),
        resources=b"/Font << /F 5 0 R >>",
    )
    picture = Image.radial_gradient("L").resize((_SIDE, _SIDE))
    colourful = Image.merge("RGB", [picture, picture.rotate(90), picture.rotate(45)])
    found["JPEG 2000"] = _picture(_saved(colourful, "JPEG2000"), b"/Filter /JPXDecode", 8)
    found["JBIG2"] = _picture(
        _jbig2(picture.convert("1")), b"/Filter /JBIG2Decode /ColorSpace /DeviceGray", 1
    )
    cmyk = _saved(colourful.convert("CMYK"), "JPEG")
    found["a JPEG for print"] = _picture(cmyk, b"/Filter /DCTDecode /ColorSpace /DeviceCMYK", 8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    found["a colour profile"] = _picture(
        colourful.tobytes(), b"/ColorSpace [/ICCBased 6 0 R]", 8, stream(profile, b"/N 3")
    )
    found["a form and annotations"] = _form()
    return found


def composite(content: bytes, name: bytes, ordering: bytes, encoding: bytes) -> bytes:
    registry = b"<< /Registry (Adobe) /Ordering (%b) /Supplement 2 >>" % ordering
    return page_pdf(
        content,
        b"<< /Type /Font /Subtype /Type0 /BaseFont /%b /Encoding /%b /DescendantFonts [6 0 R] >>"
        % (name, encoding),
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /%b /CIDSystemInfo %b "
        b"/FontDescriptor 7 0 R >>" % (name, registry),
        b"<< /Type /FontDescriptor /FontName /%b /Flags 6 /ItalicAngle 0 /Ascent 880 "
        b"/Descent -120 /CapHeight 880 /StemV 93 /FontBBox [0 -120 1000 880] >>" % name,
        resources=b"/Font << /F 5 0 R >>",
    )


def _picture(data: bytes, entries: bytes, bits: int, *more: bytes) -> bytes:
    image = stream(
        data,
        b"/Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent %d %b"
        % (_SIDE, _SIDE, bits, entries),
    )
    return page_pdf(
        b"q 400 0 0 400 50 50 cm /I Do Q", image, *more, resources=b"/XObject << /I 5 0 R >>"
    )


def _saved(picture: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


def _jbig2(picture: Image.Image) -> bytes:
    """A page of one region that is coded as in a fax (ITU-T T.88, 7.2 and 7.4)."""
    buffer = io.BytesIO()
    picture.save(buffer, "TIFF", compression="group4")
    with Image.open(buffer) as fax:
        at, size = fax.tag_v2[273][0], fax.tag_v2[279][0]  # type: ignore[attr-defined]
    coded = buffer.getvalue()[at : at + size]
    page = struct.pack(">IIIIBH", _SIDE, _SIDE, 0, 0, 0, 0)
    region = struct.pack(">IIIIBB", _SIDE, _SIDE, 0, 0, 0, 1) + coded
    return b"".join(
        struct.pack(">IBBBI", number, kind, 0, 1, len(data)) + data
        for number, (kind, data) in enumerate([(48, page), (38, region)])
    )


def _from_right_to_left() -> bytes:
    with pymupdf.open() as document:
        box = pymupdf.Rect(72, 72, 400, 300)
        document.new_page().insert_htmlbox(
            box, "<h1>\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627</h1>"
        )
        return bytes(document.tobytes())


def _form() -> bytes:
    with pymupdf.open() as document:
        page = document.new_page()
        for number, kind in enumerate((_TEXT_FIELD, _CHECKBOX)):
            widget = pymupdf.Widget()
            widget.field_name, widget.field_type = f"field {number}", kind
            widget.rect = pymupdf.Rect(72, 72 + 40 * number, 272, 100 + 40 * number)
            widget.field_value = "filled in" if number == 0 else True
            page.add_widget(widget)
        page.add_freetext_annot(pymupdf.Rect(72, 300, 300, 340), "a remark")
        page.add_stamp_annot(pymupdf.Rect(72, 400, 300, 450), stamp=3)
        page.add_text_annot((400, 400), "a note")
        return bytes(document.tobytes())
