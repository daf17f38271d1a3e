"""Signed URLs: valid for one to two days, and for one path."""

from collections.abc import Callable

import pytest

from wordai_jobs.auth.signing import UrlSigner

PATH = "/api/v1/books/b/chapters/c/pages/1/image"
NOON = 1_790_000_000.0
DAY = 86_400


def parts(url: str) -> tuple[str, str, str]:
    path, _, query = url.partition("?")
    values = dict(pair.split("=") for pair in query.split("&"))
    return path, values["expires"], values["signature"]


@pytest.mark.parametrize(
    "later_s, is_valid",
    [(0, True), (DAY, True), (2 * DAY, False)],
    ids=["at once", "a day later", "two days later"],
)
def test_a_url_is_valid_for_at_least_a_day_and_at_most_two(later_s: int, is_valid: bool) -> None:
    signed = parts(UrlSigner("key", now=lambda: NOON).sign(PATH))
    assert UrlSigner("key", now=lambda: NOON + later_s).is_valid(*signed) is is_valid


def test_a_url_stays_the_same_all_day_so_that_browsers_find_its_image() -> None:
    midnight = NOON // DAY * DAY
    first, second = (UrlSigner("key", now=lambda: midnight + s).sign(PATH) for s in (1, DAY - 1))
    assert first == second


def test_a_signature_is_valid_for_its_own_path_only() -> None:
    signer = UrlSigner("key", now=lambda: NOON)
    path, expires, signature = parts(signer.sign(PATH))
    assert path == PATH and signer.is_valid(path, expires, signature)
    assert not signer.is_valid(f"{path}/more", expires, signature)
    assert not signer.is_valid("/other", expires, signature)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda expires, signature: (str(int(expires) + DAY), signature), id="later"),
        pytest.param(lambda expires, signature: ("", signature), id="no expiry"),
        pytest.param(lambda expires, signature: ("٣", signature), id="a foreign digit"),
        pytest.param(lambda expires, signature: (expires, signature[:-1]), id="cut short"),
        pytest.param(lambda expires, signature: (expires, ""), id="no signature"),
        pytest.param(lambda expires, signature: (expires, f"\0{signature}"), id="a byte more"),
        pytest.param(lambda expires, signature: (expires, f"{signature}="), id="padded"),
        pytest.param(lambda expires, signature: (expires, "é\udcff"), id="no ASCII"),
    ],
)
def test_a_changed_expiry_or_signature_is_not_valid(
    change: Callable[[str, str], tuple[str, str]],
) -> None:
    signer = UrlSigner("key", now=lambda: NOON)
    path, expires, signature = parts(signer.sign(PATH))
    assert not signer.is_valid(path, *change(expires, signature))


def test_another_key_makes_other_signatures() -> None:
    signed = parts(UrlSigner("key", now=lambda: NOON).sign(PATH))
    assert not UrlSigner("another key", now=lambda: NOON).is_valid(*signed)
