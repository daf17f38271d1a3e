"""What a PDF says of itself is bounded and can be shown, whoever says it."""

from dataclasses import replace

from wordai_jobs.model.pdf_info import (
    MAX_OUTLINE_ENTRIES,
    MAX_TITLE_LENGTH,
    OutlineEntry,
    PdfInfo,
    bounded,
    outline_of_pages,
)

INFO = PdfInfo(3, "A title", (OutlineEntry("One", 1, 1), OutlineEntry("Two", 2, 3)), ("i", "", "1"))


def test_what_can_be_shown_stays_as_it_is() -> None:
    assert bounded(INFO) == INFO
    assert bounded(PdfInfo(9)) == PdfInfo(9)


def test_texts_are_shown_in_one_line_without_what_controls_or_reverses_them() -> None:
    strange = "  a\0b\nc\u202ed\ue000e\u0301\u2028 "
    labels = (strange, "\u200b", "1")
    found = bounded(PdfInfo(3, strange, (OutlineEntry(strange, 1, 1),), labels))
    assert found.title == found.outline[0].title == "a b cd é"
    assert found.page_labels == ("a b cd é", "", "1")
    assert bounded(PdfInfo(1, " \0\u202e")).title is None


def test_texts_and_outlines_have_a_limit() -> None:
    endless = "a" * 9 * MAX_TITLE_LENGTH
    many = (OutlineEntry(endless, 1, 1),) * (MAX_OUTLINE_ENTRIES + 1)
    found = bounded(PdfInfo(2, endless, many, (endless, "1")))
    assert found.title and len(found.title) == MAX_TITLE_LENGTH
    assert len(found.outline) == MAX_OUTLINE_ENTRIES
    assert {len(entry.title) for entry in found.outline} == {MAX_TITLE_LENGTH}
    assert found.page_labels and len(found.page_labels[0]) < MAX_TITLE_LENGTH


def test_entries_without_a_page_or_a_level_are_left_out() -> None:
    nowhere = [OutlineEntry("Bad", level, page) for level, page in ((1, 0), (1, 4), (0, 1))]
    assert bounded(replace(INFO, outline=(*nowhere, *INFO.outline))) == INFO


def test_labels_that_are_not_one_for_each_page_are_no_labels() -> None:
    for labels in ((), ("1", "2"), ("1",) * 4):
        assert bounded(replace(INFO, page_labels=labels)).page_labels is None
    many = PdfInfo(50_000, page_labels=("a" * 60,) * 50_000)
    assert bounded(many).page_labels is None, "they would not fit into a record"


def test_a_part_has_its_own_entries_with_its_own_page_numbers() -> None:
    outline = [OutlineEntry(str(page), 1, page) for page in (1, 19, 20, 20, 31, 40, 41)]
    assert outline_of_pages(outline, range(20, 41)) == tuple(
        OutlineEntry(title, 1, page)
        for title, page in (("20", 1), ("20", 1), ("31", 12), ("40", 21))
    )
