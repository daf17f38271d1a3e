"""What a PDF says of itself, compared with what PyMuPDF finds."""

from pathlib import Path

import pymupdf
import pytest

from tests.support.hostile import (
    circular_outline_pdf,
    deep_outline_pdf,
    long_outline_pdf,
)
from tests.support.pdfs import guided_pdf, raw_pdf, shared_pdfs, text_pdf
from wordai_jobs.model.clean_text import clean_text
from wordai_jobs.model.pdf_info import MAX_OUTLINE_ENTRIES, PdfInfo, bounded
from wordai_jobs.rendering.description import describe


def described(pdf: bytes) -> PdfInfo:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        return bounded(describe(document))


def check_same(pdf: bytes) -> None:
    """The same outline, labels and title as PyMuPDF has."""
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        if document.needs_pass or not document.page_count:
            return
        found = bounded(describe(document))
        outline = document.get_toc()
        labels = [page.get_label() for page in document] if document.get_page_labels() else None
        title = document.metadata["title"]
    assert [[entry.level, entry.title, entry.page_number] for entry in found.outline] == [
        [level, clean_text(title, 300), page] for level, title, page in outline
    ]
    assert found.page_labels == (labels and tuple(labels))
    assert (found.title or "") == clean_text(title, 300)


@pytest.mark.needs_shared_pdfs
@pytest.mark.parametrize("path", shared_pdfs(), ids=lambda path: path.stem[:40])
def test_a_real_pdf_says_what_pymupdf_finds(path: Path) -> None:
    check_same(path.read_bytes())


def test_a_built_pdf_says_what_pymupdf_finds() -> None:
    check_same(guided_pdf())
    check_same(text_pdf(2))
    found = described(guided_pdf())
    assert found.title == "A guided tour" and len(found.outline) > 10 and found.page_labels
    assert found.page_labels[2:5] == ("iii", "A-7", "A-8") and found.page_labels[31:33] == ("", "E")


def labelled_pdf(labels: bytes, pages: int) -> bytes:
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
    kids = b" ".join(b"%d 0 R" % number for number in range(3, 3 + pages))
    return raw_pdf(
        b"<< /Type /Catalog /Pages 2 0 R /PageLabels %b >>" % labels,
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, pages),
        *[page] * pages,
    )


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (b"<< /Nums [0 << /S /a /St 26 >>] >>", ("z", "aa", "bb")),
        (b"<< /Nums [0 << /S /R /St 1998 >>] >>", ("MCMXCVIII", "MCMXCIX", "MM")),
        (b"<< /Nums [0 << /S /r /St 2000000000 >>] >>", ("2000000000", "2000000001", "2000000002")),
        (b"<< /Nums [1 << /P <FEFF1EA4> /S /D >>] >>", ("", "Ấ1", "Ấ2")),
        (b"<< /Kids [<< /Nums [1 << /S /D >>] >> << /Nums [0 << /S /r >>] >>] >>", ("i", "1", "2")),
        (b"<< /Nums [0 null 1 9 2] >>", ("", "", "")),
        (b"[]", None),
        (b"<< /Kids [1 0 R << /Kids 5 >>] /Nums 7 >>", ("", "", "")),
    ],
    ids=["letters", "Roman", "huge", "a prefix", "a tree", "nonsense", "no tree", "broken"],
)
def test_labels_are_what_is_printed_on_the_pages(
    labels: bytes, expected: tuple[str, ...] | None
) -> None:
    assert described(labelled_pdf(labels, 3)).page_labels == expected


def test_labels_that_contain_themselves_end() -> None:
    pdf = raw_pdf(
        b"<< /Type /Catalog /Pages 2 0 R /PageLabels 4 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
        b"<< /Kids [4 0 R 4 0 R] /Nums [0 << /S /D >>] >>",
    )
    assert described(pdf).page_labels == ("1",)


def test_an_outline_that_contains_itself_is_left_out_and_the_rest_is_there() -> None:
    found = described(circular_outline_pdf())
    assert found.outline == () and found.page_labels == ("i",)


def test_long_and_deep_outlines_are_cut() -> None:
    for pdf in (deep_outline_pdf(6000), long_outline_pdf(6000, b"a" * 1000)):
        assert len(described(pdf).outline) == MAX_OUTLINE_ENTRIES
    assert described(deep_outline_pdf(6000)).outline[-1].level == MAX_OUTLINE_ENTRIES
