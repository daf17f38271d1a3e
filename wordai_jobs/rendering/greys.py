"""Tells the pages that can be drawn in greys: that and their encoding take half the time.

Runs in a child only.
"""

from collections.abc import Iterator

import pymupdf
from pymupdf import mupdf

# Any difference between red, green and blue is a colour.
_THRESHOLD = 0.0
# Pictures and shadings are not looked at: one in a colour space of colours counts as coloured.
_OPTIONS = 0
# A page with more fonts, forms and the like is drawn in colours without looking at them all.
_MOST_OBJECTS = 200


def is_colourless(drawing: pymupdf.DisplayList) -> bool:
    """Whether MuPDF finds nothing but greys in what it will draw. It does not look into the glyphs
    of Type 3 fonts.
    """
    # The device writes into this what it finds, and must not outlive it.
    found = mupdf.ll_fz_new_test_device_outparams()
    device = mupdf.FzDevice(
        mupdf.ll_fz_new_test_device_outparams_fn(_THRESHOLD, _OPTIONS, None, found)
    )
    everything = mupdf.FzRect(mupdf.FzRect.Fixed_INFINITE)
    mupdf.fz_run_display_list(drawing.this, device, mupdf.FzMatrix(), everything, mupdf.FzCookie())
    mupdf.fz_close_device(device)
    del device
    return not found.is_color


def is_the_same_in_greys(page: pymupdf.Page) -> bool:
    """Whether a page without colour comes out as in colours if it is drawn in greys. Greys other
    than black and white may differ by one of 256 levels.

    Not so if it has transparency, which MuPDF mixes in colours and rounds once more, or a Type 3
    font. Its glyphs may have colours of their own, and MuPDF would keep them for the pages that
    follow as they are in greys.
    """
    pdf_page = mupdf.pdf_page_from_fz_page(page.this)
    if (
        pdf_page.m_internal.transparency
        or mupdf.pdf_first_annot(pdf_page).m_internal
        or mupdf.pdf_first_widget(pdf_page).m_internal
    ):
        return False
    left = [mupdf.pdf_page_resources(pdf_page)]
    objects = 0
    while left:
        resources = left.pop()
        for kind in ("Font", "ExtGState", "XObject", "Pattern"):
            for found in _values(mupdf.pdf_dict_gets(resources, kind)):
                objects += 1  # a form may contain itself
                if objects > _MOST_OBJECTS or _may_be_type_3(found) or _is_transparent(found):
                    return False
                if kind in ("XObject", "Pattern"):
                    left.append(mupdf.pdf_dict_gets(found, "Resources"))
    return True


def _values(dictionary: mupdf.PdfObj) -> Iterator[mupdf.PdfObj]:
    for index in range(mupdf.pdf_dict_len(dictionary)):
        yield mupdf.pdf_dict_get_val(dictionary, index)


def _may_be_type_3(found: mupdf.PdfObj) -> bool:
    """A font whose glyphs are drawn, which MuPDF takes for one of Type 3 whatever its type says, or
    a graphics state with a font.
    """
    return any(mupdf.pdf_dict_gets(found, name).m_internal for name in ("CharProcs", "Font"))


def _is_transparent(found: mupdf.PdfObj) -> bool:
    """A graphics state, a picture with a mask, or a form whose content is mixed first."""
    opacities = (mupdf.pdf_dict_gets(found, name) for name in ("ca", "CA"))
    mixed = (mupdf.pdf_dict_gets(found, name) for name in ("SMask", "Group"))
    return any(mupdf.pdf_is_number(it) and mupdf.pdf_to_real(it) < 1 for it in opacities) or any(
        mupdf.pdf_is_dict(it) for it in mixed
    )
