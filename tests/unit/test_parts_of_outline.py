"""The client makes parts of an outline."""

from wordai_jobs.client import FileOutline, OutlineEntry, Part


def test_each_entry_of_a_level_is_a_part_up_to_the_next_one() -> None:
    entries = [
        OutlineEntry("Preface", 1, 3),
        OutlineEntry("One", 1, 5),
        OutlineEntry("One, first", 2, 5),
        OutlineEntry("One, second", 2, 8),
        OutlineEntry("On the same page", 1, 5),
        OutlineEntry(" ", 1, 6),  # without a title, which a chapter must have
        OutlineEntry("Two", 1, 9),
    ]
    outline = FileOutline(None, 12, tuple(entries), None)
    assert outline.parts() == [Part("Preface", 3, 4), Part("One", 5, 8), Part("Two", 9, 12)]
    assert outline.parts(2) == [Part("One, first", 5, 7), Part("One, second", 8, 12)]
    assert outline.parts(3) == []
