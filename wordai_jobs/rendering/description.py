"""Reads what a PDF says of itself. Runs in a child only."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pymupdf
from pymupdf import mupdf

from wordai_jobs.model.pdf_info import MAX_OUTLINE_ENTRIES, OutlineEntry, PdfInfo

# Texts are cut to this length here, so that the server need not read more. It cleans them, and then
# cuts them to what is kept.
_LONGEST_TEXT = 600
# A tree of labels may contain itself.
_MOST_NODES = 10_000
# Nobody prints larger ones as Roman numerals or letters.
_LARGEST_SPELLED = 10_000
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd")),
    *((100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)

T = TypeVar("T")


def describe(document: pymupdf.Document) -> PdfInfo:
    """A part that cannot be read is missing."""
    return PdfInfo(
        document.page_count,
        _unless_it_fails(lambda: _title(document), None),
        _unless_it_fails(lambda: tuple(_outline(document)), ()),
        _unless_it_fails(lambda: _page_labels(document), None),
    )


def _unless_it_fails(read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except Exception:  # MuPDF's have no base class in common
        return otherwise


def _title(document: pymupdf.Document) -> str:
    return _text(mupdf.fz_lookup_metadata2(document.this, "info:Title"))


def _outline(document: pymupdf.Document) -> Iterator[OutlineEntry]:
    """The entries that lead to a page, as PyMuPDF's `get_toc` has them. That is recursive, and so
    cannot read a deep outline.
    """
    tree = mupdf.fz_load_outline(document.this)  # its entries live as long as it does
    entry, later = tree.m_internal, list[Any]()
    for _ in range(MAX_OUTLINE_ENTRIES):
        while later and not entry:
            entry = later.pop()
        if not entry:
            return
        page = entry.page.page
        if page < 0 and entry.uri and not mupdf.fz_is_external_link(entry.uri):
            page, *_ = document.resolve_link(entry.uri)
        if page >= 0:
            yield OutlineEntry(_text(entry.title or ""), len(later) + 1, page + 1)
        later.append(entry.next)
        entry = entry.down


def _page_labels(document: pymupdf.Document) -> tuple[str, ...] | None:
    """As they are printed on the pages (ISO 32000-1, 12.4.2); None if the PDF does not say."""
    pdf = mupdf.pdf_document_from_fz_document(document.this)
    root = mupdf.pdf_dict_gets(mupdf.pdf_trailer(pdf), "Root")
    tree = mupdf.pdf_dict_gets(root, "PageLabels")
    if not mupdf.pdf_is_dict(tree):
        return None
    rules = dict(_label_rules(tree))
    labels, rule, first_page = [], None, 0
    for page in range(document.page_count):
        if page in rules:
            rule, first_page = rules[page], page
        labels.append(_label(rule, page - first_page) if rule else "")
    return tuple(labels)


def _label_rules(tree: mupdf.PdfObj) -> Iterator[tuple[int, mupdf.PdfObj]]:
    """The pages, counted from 0, from which on the rules hold."""
    nodes = [tree]
    for _ in range(_MOST_NODES):
        if not nodes:
            return
        node = nodes.pop()
        numbers = mupdf.pdf_dict_gets(node, "Nums")
        for index in range(0, mupdf.pdf_array_len(numbers) - 1, 2):
            yield (
                mupdf.pdf_array_get_int(numbers, index),
                mupdf.pdf_array_get(numbers, index + 1),
            )
        kids = mupdf.pdf_dict_gets(node, "Kids")
        nodes += [
            mupdf.pdf_array_get(kids, index)
            for index in range(min(mupdf.pdf_array_len(kids), _MOST_NODES))
        ]


def _label(rule: mupdf.PdfObj, pages_before: int) -> str:
    """`pages_before`: how many pages of the same rule come before this one."""
    start = mupdf.pdf_dict_gets(rule, "St")
    number = (mupdf.pdf_to_int(start) if mupdf.pdf_is_int(start) else 1) + pages_before
    prefix = mupdf.pdf_dict_gets(rule, "P")
    style = mupdf.pdf_to_name(mupdf.pdf_dict_gets(rule, "S"))
    return _text(mupdf.pdf_to_text_string(prefix) if prefix.m_internal else "") + _spelled(
        number, style
    )


def _spelled(number: int, style: str) -> str:
    if style not in ("D", "r", "R", "a", "A"):
        return ""
    if style == "D" or not 0 < number < _LARGEST_SPELLED:
        return str(number)
    if style in ("a", "A"):  # a to z, then aa to zz, then aaa
        repeats, letter = divmod(number - 1, 26)
        small = chr(ord("a") + letter) * (repeats + 1)
    else:
        small = ""
        for value, numeral in _ROMAN:
            small += numeral * (number // value)
            number %= value
    return small if style.islower() else small.upper()


def _text(raw: str) -> str:
    """Titles may have lone surrogates, which JSON cannot hold."""
    return raw[:_LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")
