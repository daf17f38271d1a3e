"""What a search finds: words in any form, as data, with an excerpt and boxes."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from wordai_jobs.model.text import joined
from wordai_jobs.search.index import BadIndex, OpenIndexes, build
from wordai_jobs.search.passages import passage
from wordai_jobs.search.query import Query
from wordai_jobs.search.terms import indexed, tokens

Pages = Callable[..., list[int]]

# Of pages 1, 2, …
TEXTS = [
    "The first page is subser-\nvient to a well-known office.",
    "Tr\u01b0\u1eddng \u0111\u1ea1i h\u1ecdc, \u0110\u01b0\u1eddng Nguy\u1ec5n Tr\u00e3i",
    "\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u3067\u3059\u3002PDF\u6587\u66f8\u3001\u65e5\u672c\n\u8a9e",
    "\u0645\u064e\u0631\u0652\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "caf\u00e9 STRASSE na\u00efve 3.14 foo_bar don't \u0142\u00f3d\u017a x\u00b2 "
    "\uff30\uff24\uff26",
    "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22 \ud55c\uad6d\uc5b4\ub97c "
    "\u0939\u093f\u0928\u094d\u0926\u0940",
    "",
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "search.sqlite"
    build(path, map(joined, TEXTS))
    return path


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    """Looks words up, with room for one open index."""
    indexes = OpenIndexes(most=1)
    yield lambda path, query, after=0, limit=10: indexes.matching_pages(
        path, Query(query), after, limit
    )
    indexes.close()


def content(text: str) -> dict[str, Any]:
    """A page with a word in each place of a grid of 10 pixels."""
    words = [
        [10 * column, 10 * row, 10 * column + 9, 10 * row + 9, word]
        for row, line in enumerate(text.split("\n"))
        for column, word in enumerate(line.split())
    ]
    return {"text": text, "words": words}


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("first", 1),
        ("FIRST off", 1),
        ("office page", 1),
        ("subservient", 1),
        ("sub-servient", 1),
        ("subserv", 1),
        ("well-known", 1),
        ("known", 1),
        ("truong", 2),
        ("tr\u01b0\u1eddng", 2),
        ("duong nguyen", 2),
        ("\u0111\u01b0\u1eddng", 2),
        ("tru\u031bo\u031b\u0300ng", 2),
        ("\u65e5\u672c\u8a9e", 3),
        ("\u672c\u8a9e\u306e\u6587", 3),
        ("\u7ae0", 3),
        ("pdf\u6587", 3),
        ("pdf\u6587\u66f8", 3),
        ("\u66f8\u65e5\u672c", None),
        ("\u6587\u66f8 \u65e5\u672c", 3),
        ("\u0645\u0631\u062d\u0628\u0627", 4),
        ("\u0628\u0627\u0644\u0639\u0640\u0640\u0627\u0644\u0645", 4),
        ("cafe", 5),
        ("stra\u00dfe", 5),
        ("NAIVE", 5),
        ("3.14", 5),
        ("14.3", None),
        ("foo_bar", 5),
        ("bar", 5),
        ("don\u2019t", 5),
        ("lodz", 5),
        ("x2", 5),
        ("pdf", 3),
        ("\u0e17\u0e22", 6),
        ("\uad6d\uc5b4", 6),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", 6),
        ("\u0939\u093f", 6),
        ("first office cafe", None),
        ("irst", None),
        ("pag first", None),
    ],
)
def test_words_are_found_on_their_page_in_any_form(
    index: Path, pages: Pages, query: str, page: int | None
) -> None:
    found = pages(index, query)
    assert next(iter(found), None) == page
    for number in found:
        shown = passage(content(TEXTS[number - 1]), Query(query))
        assert shown.excerpt and shown.boxes, "what is found can be shown"


@pytest.mark.parametrize(
    "query",
    [
        'first" OR "caf\u00e9',
        "first NOT page",
        "first OR caf\u00e9",
        "NEAR(first page)",
        "text:first",
        "first*",
        "^first",
        "-first",
        "'; DROP TABLE pages; --",
        "{text} : x",
        '"',
        "\x00first",
        "first\x00",
        "\ud800",
        "\U0001f600",
        "() + *",
        "a" * 200,
        "a " * 100,
        "\u65e5" * 200,
    ],
)
def test_whatever_is_searched_for_is_data(index: Path, pages: Pages, query: str) -> None:
    asked = Query(query)
    if not asked.is_empty:
        for number in pages(index, query):
            assert passage(content(TEXTS[number - 1]), asked).boxes
    assert Query("() + *").is_empty


def test_pages_come_in_order_from_any_page_on(tmp_path: Path, pages: Pages) -> None:
    path = tmp_path / "index"
    build(path, ("same words" for _ in range(30)))
    assert pages(path, "word", 0, 5) == [1, 2, 3, 4, 5]
    assert pages(path, "same words", 27, 5) == [28, 29, 30]
    assert pages(path, "words", 30, 5) == []


def test_an_index_that_is_replaced_is_opened_again(tmp_path: Path, pages: Pages) -> None:
    path, new = tmp_path / "index", tmp_path / "new"
    build(path, ["before"])
    assert pages(path, "before") == [1]
    build(new, ["after", "after"])
    new.replace(path)
    assert pages(path, "after") == [1, 2] and pages(path, "before") == []


def test_threads_may_look_up_words_in_the_same_index(index: Path, pages: Pages) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda number: pages(index, "first"), range(200)))
    assert found == [[1]] * 200


@pytest.mark.parametrize("damage", [b"", b"not a database", None], ids=["empty", "other", "torn"])
def test_a_damaged_index_is_noticed(
    index: Path, pages: Pages, tmp_path: Path, damage: bytes | None
) -> None:
    whole = index.read_bytes()
    bad = tmp_path / "bad"
    bad.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) // 2) if damage is None else damage)
    with pytest.raises(BadIndex):
        pages(bad, "first")
    with pytest.raises(FileNotFoundError):
        pages(tmp_path / "missing", "first")


def test_a_word_broken_at_a_line_end_has_two_boxes() -> None:
    page = content("is subser-\nvient to it")
    page["text"] = "is subservient\nto it"
    for text in (page["text"], "is subser-\nvient to it"):
        shown = passage({**page, "text": text}, Query("subservient"))
        assert shown.boxes == [(10, 0, 19, 9), (0, 10, 9, 19)]
        assert shown.excerpt == "is subservient to it"


def test_the_box_of_a_part_of_a_run_has_its_characters_only() -> None:
    words = [[0, 0, 100, 20, "\u65e5\u672c\u8a9e\u6587\u7ae0"], [0, 30, 20, 70, "\u65e5\u672c"]]
    page = {"text": "\u65e5\u672c\u8a9e\u6587\u7ae0\n\u65e5\u672c", "words": words}
    shown = passage(page, Query("\u672c"))
    assert shown.boxes == [(20, 0, 40, 20), (0, 50, 20, 70)]
    assert shown.excerpt == "\u65e5\u672c\u8a9e\u6587\u7ae0\u65e5\u672c"
    assert passage(page, Query("\u7ae0\u65e5")).boxes == [(80, 0, 100, 20), (0, 30, 20, 50)]


def test_an_excerpt_is_short_and_shows_most_of_the_words() -> None:
    filler = "lorem ipsum dolor sit amet " * 20
    text = f"one {filler} one two three {filler} two".replace("sit", "sit\n")
    shown = passage(content(text), Query("one two three"))
    assert "one two three" in shown.excerpt and "\n" not in shown.excerpt
    assert shown.excerpt.startswith("\u2026") and shown.excerpt.endswith("\u2026")
    assert 100 < len(shown.excerpt) <= 202
    assert len(passage(content("two " * 500), Query("two")).boxes) == 100
    assert len(passage(content("\u65e5" * 5000), Query("\u65e5")).excerpt) <= 202


def test_words_that_are_not_in_the_text_have_no_boxes() -> None:
    page = content("one two")
    for words in ([], [[0, 0, 1, 1, "else"]], [[0, 0, 1, 1, ""]]):
        shown = passage({**page, "words": words}, Query("two"))
        assert (shown.excerpt, shown.boxes) == ("one two", [])


def test_letters_in_every_form_are_the_same_term() -> None:
    forms = ("\u00e9", "e\u0301", "E\u0301", "e", "\u00c9")
    assert all(Query(one).spans(two) == [[(0, len(two))]] for one, two in product(forms, forms))


def test_a_hostile_page_takes_no_more_time_than_it_is_long() -> None:
    for text in ("a b " * 30_000, "\u65e5" * 110_000):
        page = {"text": text, "words": [[0, 0, 9, 9, text]] * 2}
        assert len(passage(page, Query("a b \u65e5")).excerpt) <= 202
        assert len(indexed(text)) <= 400_000


def test_a_text_has_the_same_terms_in_an_index_and_on_its_page() -> None:
    for text in (
        *TEXTS,
        "caf\u00e9 _\u00e9t\u00e9_ a\u2014b \u65e5 \u672c\u8a9eabc\u65e5 x\u65e5 \u672c \u2022",
    ):
        on_page = [term for token in tokens(text) for term in token.terms]
        assert re.findall(r"[a-z0-9\x80-\U0010ffff]+", indexed(text).lower()) == on_page, text
