"""PDFs in any script, without fonts of it: what their text means is in their tables."""

from tests.support.kinds import composite
from tests.support.pdfs import page_pdf, stream

_SIZE_PT = 24
_STEP_PT = 14.4  # Courier's, at this size
_LINE_PT = 36
_FIRST_GLYPH = ord("A")


def letters_pdf(*lines: str, from_right: bool = False) -> bytes:
    """A page with these lines, whose letters look like any letters. With `from_right`, the glyphs
    of a line are written as they are seen: the first letter is the rightmost.
    """
    letters = sorted(set("".join(lines)) - {" "})
    codes = {letter: _FIRST_GLYPH + number for number, letter in enumerate(letters)}
    codes[" "] = ord(" ")
    mapped = "\n".join(
        f"<{code:02x}> <{letter.encode('utf-16-be').hex()}>" for letter, code in codes.items()
    )
    to_unicode = stream(
        b"begincmap\n1 begincodespacerange <00> <ff> endcodespacerange\n"
        b"%d beginbfchar\n%b\nendbfchar\nendcmap" % (len(codes), mapped.encode())
    )
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /ToUnicode 6 0 R >>"
    content = [b"BT /F0 %d Tf" % _SIZE_PT]
    for number, line in enumerate(lines):
        written = line[::-1] if from_right else line
        glyphs = bytes(codes[letter] for letter in written).hex().encode()
        x = 540 - _STEP_PT * len(line) if from_right else 72
        content.append(b"1 0 0 1 %.1f %d Tm <%b> Tj" % (x, 700 - _LINE_PT * number, glyphs))
    content.append(b"ET")
    return page_pdf(b"\n".join(content), font, to_unicode, resources=b"/Font << /F0 5 0 R >>")


def japanese_pdf(*lines: str, is_vertical: bool = False) -> bytes:
    """A page with these lines, or columns from right to left."""
    content = [b"BT /F %d Tf" % _SIZE_PT]
    for number, line in enumerate(lines):
        x, y = (500 - 40 * number, 700) if is_vertical else (72, 700 - _LINE_PT * number)
        glyphs = line.encode("utf-16-be").hex().encode()
        content.append(b"1 0 0 1 %d %d Tm <%b> Tj" % (x, y, glyphs))
    content.append(b"ET")
    encoding = b"UniJIS-UCS2-V" if is_vertical else b"UniJIS-UCS2-H"
    return composite(b"\n".join(content), b"HeiseiMin-W3", b"Japan1", encoding)
