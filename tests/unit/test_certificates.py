"""Google's certificates are fetched before they expire, and kept if they cannot be fetched."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.exceptions import TransportError

from tests.support.firebase import KEY_ID, PROJECT, Google
from wordai_jobs.auth.certificates import CERTIFICATES_URL, Certificates, Fetched, fetch
from wordai_jobs.auth.firebase import FirebaseTokens
from wordai_jobs.errors import SignInUnavailable, Unauthenticated

LIFETIME_S = 6000.0


class FakeGoogle:
    """Publishes `certificates` as long as it can be reached; `now` is the time."""

    def __init__(self) -> None:
        self.certificates = {"key-1": "certificate 1"}
        self.is_away = False
        self.requests = 0
        self.now = 0.0

    def fetch(self) -> Fetched:
        self.requests += 1
        if self.is_away:
            raise OSError("no route to host")
        return Fetched(dict(self.certificates), LIFETIME_S)


@pytest.fixture
def google() -> FakeGoogle:
    return FakeGoogle()


@pytest.fixture
def kept(google: FakeGoogle) -> Certificates:
    return Certificates(google.fetch, lambda: google.now)


def handed_out(kept: Certificates) -> object:
    return json.loads(kept(CERTIFICATES_URL).data)


def test_certificates_are_fetched_again_when_half_of_their_time_is_over(
    google: FakeGoogle, kept: Certificates
) -> None:
    kept.refresh()
    google.certificates = {"key-2": "certificate 2"}
    google.now = LIFETIME_S / 2 - 1
    kept.refresh()
    assert google.requests == 1 and handed_out(kept) == {"key-1": "certificate 1"}
    google.now = LIFETIME_S / 2
    kept.refresh()
    assert google.requests == 2 and handed_out(kept) == {"key-2": "certificate 2"}


def test_the_last_certificates_are_kept_while_google_is_away(
    google: FakeGoogle, kept: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    kept.refresh()
    google.is_away = True
    for google.now in (LIFETIME_S / 2, LIFETIME_S, 100 * LIFETIME_S):
        kept.refresh()
        assert handed_out(kept) == {"key-1": "certificate 1"}
    assert google.requests == 4
    google.is_away = False
    kept.refresh()
    assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == [
        "Google's certificates cannot be fetched, so the last ones are used: no route to host"
    ]


def test_only_a_new_key_while_google_is_away_is_one_that_may_be_genuine(
    google: FakeGoogle, kept: Certificates
) -> None:
    assert not kept.may_lack("key-2"), "nothing is known, so no token has been checked"
    kept.refresh()
    google.is_away = True
    google.now = LIFETIME_S - 1
    assert not kept.may_lack("key-2")
    google.now = LIFETIME_S
    assert kept.may_lack("key-2") and not kept.may_lack("key-1")


def test_requests_wait_once_for_a_fetch_that_hangs_and_never_again() -> None:
    may_end = threading.Event()

    def hang() -> Fetched:
        may_end.wait(60)
        raise OSError("no response in time")

    kept = Certificates(hang)

    def seconds_until_refused(_: int) -> float:
        began = time.monotonic()
        with pytest.raises(TransportError):
            kept(CERTIFICATES_URL)
        return time.monotonic() - began

    with ThreadPoolExecutor(20) as threads:
        assert max(threads.map(seconds_until_refused, range(20))) < 10
    assert max(map(seconds_until_refused, range(20))) < 2, "they do not wait for 3 s again"
    may_end.set()


def test_nothing_but_certificates_is_handed_out(google: FakeGoogle, kept: Certificates) -> None:
    kept.refresh()
    with pytest.raises(TransportError):
        kept("https://www.googleapis.com/identitytoolkit/v3/relyingparty/publicKeys")


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """A Google that this process fetches certificates from."""
    with closing(Google(tmp_path)) as google:
        for name, value in google.environment.items():
            monkeypatch.setenv(name, value)
        yield google


@pytest.mark.parametrize(
    ("cache_control", "lifetime_s"),
    [
        ("public, max-age=21600, must-revalidate", 21600),
        ("no-store", 3600),
        ("max-age=0", 60),
        ("max-age=soon", 3600),
    ],
)
def test_certificates_hold_as_long_as_google_says(
    published: Google, cache_control: str, lifetime_s: float
) -> None:
    published.cache_control = cache_control
    assert fetch() == Fetched({KEY_ID: published.public_pem.decode()}, lifetime_s)


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", "null"])
def test_a_response_that_holds_no_certificates_is_an_error(published: Google, body: str) -> None:
    published.body = body
    with pytest.raises(ValueError):
        fetch()


def test_a_token_with_a_new_key_is_refused_for_good_only_if_the_certificates_are_current(
    published: Google,
) -> None:
    now = 0.0
    kept = Certificates(now=lambda: now)
    tokens = FirebaseTokens(PROJECT, "", is_loopback=False, certificates=kept)
    kept.refresh()
    new_key = published.token(kid="key-2")
    with pytest.raises(Unauthenticated):
        tokens.verify(new_key)
    now = 21600.0
    with pytest.raises(SignInUnavailable):
        tokens.verify(new_key)
    with pytest.raises(Unauthenticated):
        tokens.verify("garbage")
    with pytest.raises(Unauthenticated):
        tokens.verify(published.token(key=rsa.generate_private_key(65537, 2048)))
    assert tokens.verify(published.token("alice")).user_id == "alice"
