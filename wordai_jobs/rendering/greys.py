"""Tells the pages that can be drawn in greys: that and their encoding take half the time.

Runs in a child only.
"""

import pymupdf
from pymupdf import mupdf

# Any difference between red, green and blue is a colour.
_THRESHOLD = 0.0
# Pictures and shadings are not looked at: one in a colour space of colours counts as coloured.
_OPTIONS = 0


def is_colourless(drawing: pymupdf.DisplayList) -> bool:
    """Whether MuPDF finds nothing but greys in what it will draw."""
    # The device writes into this what it finds, and must not outlive it.
    found = mupdf.ll_fz_new_test_device_outparams()
    device = mupdf.FzDevice(
        mupdf.ll_fz_new_test_device_outparams_fn(_THRESHOLD, _OPTIONS, None, found)
    )
    everything = mupdf.FzRect(mupdf.FzRect.Fixed_INFINITE)
    mupdf.fz_run_display_list(drawing.this, device, mupdf.FzMatrix(), everything, mupdf.FzCookie())
    mupdf.fz_close_device(device)
    return not found.is_color


def has_transparency(page: pymupdf.Page) -> bool:
    """Whether MuPDF mixes what is on the page in colours. In greys it would round once more."""
    return bool(mupdf.pdf_page_from_fz_page(page.this).m_internal.transparency)
