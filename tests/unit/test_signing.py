"""Signed addresses: good for a day or two, and for one path."""

from wordai_jobs.auth.signing import UrlSigner

PATH = "/api/v1/books/b/chapters/c/pages/1/image"
NOON = 1_790_000_000.0
DAY = 86_400


def parts(url: str) -> tuple[str, str, str]:
    path, _, query = url.partition("?")
    values = dict(pair.split("=") for pair in query.split("&"))
    return path, values["expires"], values["signature"]


def test_an_address_is_good_for_at_least_a_day_and_at_most_two() -> None:
    path, expires, signature = parts(UrlSigner("key", now=lambda: NOON).sign(PATH))
    for later, is_good in ((0, True), (DAY, True), (2 * DAY, False)):
        assert (
            UrlSigner("key", now=lambda: NOON + later).is_valid(path, expires, signature) is is_good
        )


def test_an_address_stays_the_same_all_day_so_that_browsers_find_its_image() -> None:
    midnight = NOON // DAY * DAY
    first, second = (UrlSigner("key", now=lambda: midnight + s).sign(PATH) for s in (1, DAY - 1))
    assert first == second


def test_nothing_else_can_be_opened_with_a_signature() -> None:
    signer = UrlSigner("key", now=lambda: NOON)
    path, expires, signature = parts(signer.sign(PATH))
    assert signer.is_valid(path, expires, signature)
    for forged in (
        ("/other", expires, signature),
        (path, str(int(expires) + DAY), signature),
        (path, expires, signature[:-1]),
        (path, expires, ""),
        (path, "", signature),
        (path, expires, "é\udcff"),
        (path, "٣", signature),
    ):
        assert not signer.is_valid(*forged), forged
    assert not UrlSigner("another key", now=lambda: NOON).is_valid(path, expires, signature)
