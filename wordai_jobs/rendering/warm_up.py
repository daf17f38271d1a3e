"""Loads all that rendering children use, before they are forked."""

import codecs

import pymupdf

from wordai_jobs.rendering import child  # noqa: F401 - children run it
from wordai_jobs.rendering.description import describe
from wordai_jobs.rendering.page import render_page
from wordai_jobs.rendering.protocol import RenderOptions

# Those that PyMuPDF uses. Python loads an encoding when it is first used.
_ENCODINGS = ("ascii", "latin-1", "utf-8", "utf-16", "raw_unicode_escape", "unicode_escape")


def warm_up() -> None:
    """Load what a first page would load: it takes 270 to 550 ms cold, 13 to 40 ms warm, and in the
    sandbox nothing can be loaded any more.
    """
    for name in _ENCODINGS:
        codecs.lookup(name)
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    with pymupdf.open() as document:
        page = document.new_page(width=72, height=72)
        page.insert_text((10, 40), "warm")
        for image_format in ("auto", "jpeg"):
            render_page(document, 1, RenderOptions(72, image_format, 85, 10_000))
        document.set_toc([[1, "warm", 1]])
        describe(document)
