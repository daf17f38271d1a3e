"""Links of pages, compared with PyMuPDF's."""

import json
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from tests.support.pdfs import guided_pdf, page_pdf, shared_pdfs
from wordai_jobs.model.link import MAX_URL_LENGTH, is_safe
from wordai_jobs.rendering.page import render_page
from wordai_jobs.rendering.protocol import RenderOptions

OPTIONS = RenderOptions(dpi=36, format="auto", jpeg_quality=85, max_pixels=25_000_000)
ZOOM = OPTIONS.dpi / 72


def links(document: pymupdf.Document, number: int, chapter: range | None = None) -> list[Any]:
    found: list[Any] = json.loads(render_page(document, number, OPTIONS, chapter).words)["links"]
    return found


def expected_links(page: pymupdf.Page, chapter: range) -> list[Any]:
    """PyMuPDF's, as the chapter is to have them."""
    found = []
    for link in page.get_links():
        rect = [ZOOM * edge for edge in link["from"] & page.rect]
        target = int(link.get("page", -1)) + 1
        if link["kind"] == pymupdf.LINK_URI and is_safe(link["uri"]):
            found.append({"rect": pytest.approx(rect, abs=0.1), "url": link["uri"]})
        elif link["kind"] in (pymupdf.LINK_GOTO, pymupdf.LINK_NAMED) and target in chapter:
            page_number = target - chapter.start + 1
            found.append({"rect": pytest.approx(rect, abs=0.1), "page_number": page_number})
    return found


def check_same(pdf: bytes, most_pages: int) -> int:
    """How many links there are on the first pages, and on those of a part."""
    count = 0
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        if document.needs_pass or not document.page_count:
            return 0
        whole = range(1, document.page_count + 1)
        for chapter in (whole, range(20, 41)):
            for number in list(chapter)[:most_pages]:
                if number in whole:
                    found = links(document, number, chapter)
                    assert found == expected_links(document[number - 1], chapter), number
                    count += len(found)
    return count


@pytest.mark.needs_shared_pdfs
@pytest.mark.parametrize("path", shared_pdfs(), ids=lambda path: path.stem[:40])
def test_a_real_pdf_has_the_links_that_pymupdf_finds(path: Path) -> None:
    check_same(path.read_bytes(), most_pages=5)


def test_a_built_pdf_has_the_links_that_pymupdf_finds() -> None:
    assert check_same(guided_pdf(), most_pages=4) > 30


def test_links_lie_where_the_image_shows_them_on_a_rotated_page_too() -> None:
    with pymupdf.open(stream=guided_pdf(5)) as document:
        for rotation in (90, 180, 270):
            document[0].set_rotation(rotation)
            assert links(document, 1) == expected_links(document[0], range(1, 6))


def test_links_of_a_part_lead_to_its_own_pages_only() -> None:
    with pymupdf.open(stream=guided_pdf()) as document:
        targets = [link.get("page_number") for link in links(document, 20, range(20, 41))]
        assert [target for target in targets if target] == [1, 2]
        urls = [link["url"] for link in links(document, 20, range(20, 41)) if "url" in link]
    assert urls == [
        "https://example.com/19?a=b#c",
        "HTTP://EXAMPLE.COM/a b",
        "mailto:somebody@example.com",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        " https://example.com",
        "https:example.com",
        "https://example.com/\n",
        "https://example.com/\u202egpj",
        "https://example.com/" + "a" * MAX_URL_LENGTH,
        "",
    ],
    ids=ascii,
)
def test_a_url_that_could_run_something_or_mislead_is_not_safe(url: str) -> None:
    assert not is_safe(url)


def test_the_links_of_a_page_have_a_limit_and_those_outside_of_it_are_left_out() -> None:
    def link(rect: str, url: str) -> str:
        return f"<< /Type /Annot /Subtype /Link /Rect [{rect}] /A << /S /URI /URI ({url}) >> >>"

    def rendered(annotations: list[str]) -> list[Any]:
        page = f"/Annots [{' '.join(annotations)}] /Resources".encode()
        with pymupdf.open(stream=page_pdf(b"").replace(b"/Resources", page, 1)) as document:
            return links(document, 1)

    many = [link("0 0 9 9", f"https://example.com/{number}") for number in range(1100)]
    assert len(rendered(many)) == 1000
    assert len(rendered([link("0 0 9 9", "https://example.com/" + "a" * 1900)] * 200)) == 104
    outside = [link(rect, "https://a") for rect in ("-9 -9 -1 -1", "9 9 9 9", "0 800 5 900")]
    assert rendered([*outside, link("-9 -9 9 9", "https://b")]) == [
        {"rect": [0.0, 391.5, 4.5, 396.0], "url": "https://b"}
    ]
