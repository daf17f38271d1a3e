"""What the server and its children say to each other survives the way, and nothing else does."""

import json
import os
from contextlib import suppress
from typing import Any, cast, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordai_jobs.model.job import ErrorClass
from wordai_jobs.model.page_names import IMAGE_ENDINGS
from wordai_jobs.rendering.protocol import (
    LONGEST_MESSAGE,
    MOST_PAGES,
    Failed,
    Failure,
    InspectPdf,
    Message,
    PageCount,
    PageRendered,
    Ready,
    RenderOptions,
    RenderPages,
    decode,
    encode,
)

numbers = st.integers(1, 2**63 - 1)
# Names of files need not be UTF-8.
texts = st.binary().map(os.fsdecode)
OF_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    int: numbers,
    bool: st.booleans(),
    str: texts,
    tuple[int, ...]: st.lists(numbers).map(tuple),
    Failure: st.sampled_from(Failure),
    RenderOptions: st.builds(RenderOptions, numbers, texts, numbers, numbers),
}


@pytest.mark.parametrize("kind", get_args(Message), ids=lambda kind: kind.__name__)
@settings(deadline=None)  # a busy machine may take its time
@given(data=st.data())
def test_a_message_arrives_as_it_was_sent(kind: type[Message], data: st.DataObject) -> None:
    fields = {name: OF_TYPE[of_type] for name, of_type in get_type_hints(kind).items()}
    if kind is PageRendered:
        fields["ending"] = st.sampled_from(IMAGE_ENDINGS)
    message = cast(Message, data.draw(st.builds(kind, **fields)))
    assert decode(encode(message), kind, Ready) == decode(encode(message), Ready, kind) == message


def test_the_longest_request_fits_into_one_message() -> None:
    options = RenderOptions(600, "jpeg", 100, 100_000_000)
    request = RenderPages(tuple(range(50_000, 50_000 + MOST_PAGES)), options)
    assert len(encode(request)) < LONGEST_MESSAGE


REFUSED = {
    "nothing": b"",
    "no text": b"\xff",
    "no JSON": b"Ready",
    "a constant": b"null",
    "a list of one": b'["Ready"]',
    "a list of three": b'["Ready", {}, {}]',
    "a kind that is no string": b"[{}, {}]",
    "an unknown kind": b'["Restart", {}]',
    "another kind": b'["Reaped", {"exit_status": 0}]',
    "no fields": b'["PageCount", {}]',
    "fields that are no object": b'["PageCount", [3]]',
    "a field too many": b'["PageCount", {"page_count": 3, "pages": 3}]',
    "a bool for a number": b'["PageCount", {"page_count": true}]',
    "a fraction for a number": b'["PageCount", {"page_count": 3.0}]',
    "text for a number": b'["PageCount", {"page_count": "3"}]',
    "infinity": b'["PageCount", {"page_count": Infinity}]',
    "a number that is too small": b'["PageCount", {"page_count": 0}]',
    "a number that is too large": b'["PageCount", {"page_count": 9223372036854775808}]',
    "a number of 5,000 digits": b'["PageCount", {"page_count": %s}]' % (b"9" * 5000),
    "endless brackets": b"[" * LONGEST_MESSAGE,
    "endless objects": b'["PageCount", ' + b'{"page_count": ' * 4000,
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_anything_but_the_expected_messages_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode(data, PageCount, Ready)


@pytest.mark.parametrize(
    "fields",
    [
        b'"width": 0, "height": 9, "ending": ".png"',
        b'"width": 9, "height": -1, "ending": ".png"',
        b'"width": 9, "ending": ".png"',
        b'"width": 9, "height": null, "ending": ".png"',
        b'"width": 9, "height": 9, "ending": "/../../secret_key"',
    ],
    ids=["no width", "a negative height", "a field too few", "null for a number", "a path"],
)
def test_a_page_without_a_size_or_an_image_is_refused(fields: bytes) -> None:
    with pytest.raises(ValueError):
        decode(b'["PageRendered", {%s}]' % fields, PageRendered, Failed)


@pytest.mark.parametrize("failure", ["null", "[]", '"bad_page"', '"Out of memory"', "5"])
def test_a_failure_that_has_no_such_name_is_refused(failure: str) -> None:
    with pytest.raises(ValueError):
        decode(b'["Failed", {"failure": %s}]' % failure.encode(), PageRendered, Failed)


@pytest.mark.parametrize(
    ("field", "value"),
    [("pages", "3"), ("pages", '["3"]'), ("pages", "{}"), ("options", "{}"), ("options", "null")],
)
def test_a_part_of_a_request_that_is_malformed_is_refused(field: str, value: str) -> None:
    options = '{"dpi": 72, "format": "auto", "jpeg_quality": 85, "max_pixels": 9}'
    fields = {"pages": "[1]", "options": options, "first_page": "1", "last_page": "9"}

    def request(**changed: str) -> bytes:
        body = ", ".join(f'"{name}": {given}' for name, given in (fields | changed).items())
        return f'["RenderPages", {{{body}}}]'.encode()

    assert decode(request(), RenderPages, InspectPdf)
    with pytest.raises(ValueError):
        decode(request(**{field: value}), RenderPages, InspectPdf)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)
garbled = st.dictionaries(st.sampled_from(["width", "height", "ending"]), anything).map(
    lambda fields: json.dumps(["PageRendered", fields]).encode()
)


@settings(deadline=None)  # a busy machine may take its time
@given(st.binary() | garbled)
def test_whatever_a_child_sends_is_an_answer_or_is_refused(data: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(decode(data, PageRendered, Failed), PageRendered | Failed)


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_has_a_message_and_a_class(failure: Failure) -> None:
    assert failure.message and failure.error_class is not ErrorClass.OTHER
