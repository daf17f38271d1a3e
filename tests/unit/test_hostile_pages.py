"""Pages that ask for too much: what a child makes of them, without a server around it."""

import io
import json

import pymupdf
import pytest
from PIL import Image

from tests.support.hostile import wide_pdf, wordy_pdf
from tests.support.pdfs import page_pdf
from wordai_jobs.rendering.page import RenderedPage, render_page
from wordai_jobs.rendering.protocol import RenderOptions

OPTIONS = RenderOptions(dpi=150, format="auto", jpeg_quality=85, max_pixels=1_000_000)


def render(pdf: bytes, options: RenderOptions = OPTIONS) -> RenderedPage:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        return render_page(document, 1, options)


@pytest.mark.parametrize(
    ("width", "height"),
    [(14_000, 14_000), (14_400, 3), (3, 14_400), (613, 793), (100_000, 1)],
    ids=["large", "wide", "high", "slightly too large", "a line"],
)
def test_no_image_has_more_pixels_than_allowed(width: int, height: int) -> None:
    page = render(page_pdf(b"0 0 m 9 9 l S", width=width, height=height))
    assert 0 < page.width * page.height <= OPTIONS.max_pixels


def test_a_page_longer_than_a_jpeg_may_be_is_rendered_smaller() -> None:
    page = render(wide_pdf(), RenderOptions(150, "auto", 85, 25_000_000))
    with Image.open(io.BytesIO(page.image.content)) as image:
        assert (image.format, image.size) == ("JPEG", (page.width, page.height))


def test_the_text_of_a_page_is_kept_as_far_as_anybody_could_read_it() -> None:
    words = render(wordy_pdf(60_000)).words
    content = json.loads(words)
    assert len(words) < 2_000_000, "a page's words are read into the server's memory"
    assert len(content["words"]) > 30_000 and content["words"][0][4] == "ab"
