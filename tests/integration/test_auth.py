"""Who may call: users with Firebase tokens in mode firebase, with this server's in mode dev."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.utils import base64url_encode

from tests.conftest import StartServer
from tests.support.backends import silent
from tests.support.client import Client
from tests.support.firebase import ISSUER, KEY_ID, PROJECT, Google
from tests.support.pdfs import photo_pdf
from tests.support.server import ServerProcess
from tests.support.waiting import wait_until

SETTINGS = {
    "auth.mode": "firebase",
    "auth.firebase_project_id": PROJECT,
    "cors.origins": ["https://app.example"],
}
HOUR = 3600


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Google]:
    served = Google(tmp_path_factory.mktemp("google"))
    yield served
    served.close()


@pytest.fixture(scope="module")
def firebase(google: Google, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("firebase")
    server = ServerProcess(folder, SETTINGS, google.environment).start()
    yield server
    assert server.stop() == 0, server.log[-3000:]


def ask(server: ServerProcess, authorization: str | None) -> requests.Response:
    headers = {"Origin": "https://app.example"}
    if authorization is not None:
        headers["Authorization"] = authorization
    return requests.get(f"{server.url}/api/v1/books", headers=headers, timeout=30)


def check_refused(response: requests.Response) -> None:
    assert response.status_code == 401, response.text
    assert response.json() == {"detail": "Could not validate credentials"}
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert response.headers["X-Request-ID"]


def test_a_genuine_firebase_token_identifies_its_user_from_upload_to_page(
    firebase: ServerProcess, google: Google
) -> None:
    user = Client(firebase.url, "alice", google.token("alice"))
    job = user.end_of(user.submit(photo_pdf()))
    assert job["status"] == "completed" and job["user_id"] == "alice"
    other = Client(firebase.url, "bob", google.token("bob"))
    refused = other.get(f"/api/v1/books/jobs/{job['job_id']}")
    assert (refused.status_code, refused.json()) == (403, {"detail": "Access denied to this job"})


def test_certificates_are_fetched_once_and_remembered(
    firebase: ServerProcess, google: Google
) -> None:
    assert ask(firebase, f"Bearer {google.token()}").status_code == 200
    before = google.requests
    for number in range(10):
        assert ask(firebase, f"Bearer {google.token(f'user-{number}')}").status_code == 200
    assert google.requests == before


def foreign_key(google: Google) -> str:
    return google.token(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))


def without_algorithm(google: Google) -> str:
    claims = jwt.decode(google.token(), options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none", headers={"kid": KEY_ID})


def hs256(google: Google, secret: bytes) -> str:
    """Made by hand: the library refuses to sign with a key that is public."""
    claims = jwt.decode(google.token(), options={"verify_signature": False})
    header = {"alg": "HS256", "typ": "JWT", "kid": KEY_ID}
    content = b".".join(base64url_encode(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.new(secret, content, hashlib.sha256).digest()
    return (content + b"." + base64url_encode(signature)).decode()


def bare_public_key(google: Google, encoding: serialization.Encoding) -> bytes:
    return google.key.public_key().public_bytes(
        encoding, serialization.PublicFormat.SubjectPublicKeyInfo
    )


FORGERIES: dict[str, Callable[[Google], str]] = {
    "expired": lambda google: google.token(
        iat=int(time.time()) - 2 * HOUR, exp=int(time.time()) - HOUR
    ),
    "not yet valid": lambda google: google.token(
        iat=int(time.time()) + HOUR, exp=int(time.time()) + 2 * HOUR
    ),
    "another project's audience": lambda google: google.token(aud="another-project"),
    "another project's issuer": lambda google: google.token(iss=ISSUER + "another-project"),
    "another project altogether": lambda google: google.token(aud="other", iss=ISSUER + "other"),
    "a foreign key": foreign_key,
    "an unknown key id": lambda google: google.token(kid="key-2"),
    "no key id": lambda google: jwt.encode(
        {"sub": "alice", "aud": PROJECT, "iss": ISSUER + PROJECT}, google.key, "RS256"
    ),
    "alg none": without_algorithm,
    "HS256 with the certificate as secret": lambda google: hs256(google, google.public_pem),
    "HS256 with the public key, PEM, as secret": lambda google: hs256(
        google, bare_public_key(google, serialization.Encoding.PEM)
    ),
    "HS256 with the public key, DER, as secret": lambda google: hs256(
        google, bare_public_key(google, serialization.Encoding.DER)
    ),
    "no subject": lambda google: google.token(None),
    "an empty subject": lambda google: google.token(""),
    "a subject that is a number": lambda google: google.token(sub=17),
    "an object as subject": lambda google: google.token(sub={"$ne": None}),
    "no expiry": lambda google: google.token(exp=None),
    "cut short": lambda google: google.token()[:-10],
    "without its signature": lambda google: google.token().rpartition(".")[0] + ".",
    "a changed payload": lambda google: ".".join(
        [
            google.token("alice").split(".")[0],
            google.token("mallory").split(".")[1],
            google.token("alice").split(".")[2],
        ]
    ),
    "a lone dot": lambda google: ".",
    "three empty parts": lambda google: "..",
    "no token at all": lambda google: "garbage",
    "a huge one": lambda google: "a" * 20_000,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_token_that_is_not_genuine_is_refused(
    firebase: ServerProcess, google: Google, forgery: str
) -> None:
    check_refused(ask(firebase, f"Bearer {FORGERIES[forgery](google)}"))


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Basic YWxpY2U6eA==", "Bearer a b", "Bearer\ttoken"],
)
def test_a_request_without_a_bearer_token_is_refused(
    firebase: ServerProcess, authorization: str | None
) -> None:
    check_refused(ask(firebase, authorization))


def test_a_genuine_token_under_another_scheme_is_refused(
    firebase: ServerProcess, google: Google
) -> None:
    check_refused(ask(firebase, f"Basic {google.token()}"))
    check_refused(ask(firebase, google.token()))


def test_the_case_of_the_scheme_does_not_matter(firebase: ServerProcess, google: Google) -> None:
    assert ask(firebase, f"bearer {google.token()}").status_code == 200, "RFC 9110"


def test_mode_firebase_signs_no_tokens(firebase: ServerProcess) -> None:
    address = f"{firebase.url}/dev/token"
    assert requests.post(address, json={"user_id": "alice"}, timeout=10).status_code == 404


def test_while_google_is_away_only_forgeries_are_refused_for_good(
    start_server: StartServer, tmp_path: Path
) -> None:
    with closing(Google(tmp_path)) as google:
        google.is_away = True
        server = start_server(SETTINGS, google.environment)
        for _ in range(2):
            check_unavailable(ask(server, f"Bearer {google.token()}"))
        for forgery in ("another project's audience", "no subject", "alg none", "no token at all"):
            check_refused(ask(server, f"Bearer {FORGERIES[forgery](google)}"))
        assert requests.get(f"{server.url}/health", timeout=10).ok
        assert server.log.count("certificates cannot be fetched") == 1
        google.is_away = False
        wait_until(lambda: ask(server, f"Bearer {google.token()}").status_code == 200)
        check_refused(ask(server, f"Bearer {foreign_key(google)}"))
        google.is_away = True
        assert ask(server, f"Bearer {google.token('bob')}").status_code == 200


def check_unavailable(response: requests.Response) -> None:
    assert response.status_code == 503, response.text
    assert response.json() == {"detail": "Sign-in cannot be checked right now"}
    assert response.headers["Retry-After"] == "5"
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert response.headers["X-Request-ID"]


def test_polls_wait_for_a_silent_google_once_and_never_again(
    start_server: StartServer, google: Google
) -> None:
    with silent() as port:
        proxy = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), f"http://127.0.0.1:{port}")
        server = start_server(SETTINGS, {**google.environment, **proxy})
        check_unavailable(ask(server, f"Bearer {google.token()}"))
        began = time.monotonic()
        with ThreadPoolExecutor(20) as threads:
            tokens = [google.token(f"user-{number}") for number in range(100)]
            for response in threads.map(lambda token: ask(server, f"Bearer {token}"), tokens):
                check_unavailable(response)
        assert time.monotonic() - began < 20, "if each waited for 3 s, they would take 37 s"


EMULATED = {"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099"}


def test_tokens_of_an_emulator_are_accepted_on_loopback_with_a_warning(
    start_server: StartServer, google: Google
) -> None:
    server = start_server(SETTINGS, EMULATED)
    assert ask(server, f"Bearer {without_algorithm(google)}").status_code == 200
    check_refused(ask(server, "Bearer garbage"))
    assert "tokens are not verified, anyone can be anyone" in server.log


def test_tokens_of_an_emulator_are_not_accepted_from_other_machines(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, {**SETTINGS, "server.host": "0.0.0.0"}, EMULATED)
    server.launch()
    assert server.process and server.process.wait(30) == 1
    assert server.log.count("\n") == 1 and "FIREBASE_AUTH_EMULATOR_HOST" in server.log, server.log


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"auth.mode": "firebase"}, "auth.firebase_project_id is needed"),
        (
            {
                "auth.mode": "firebase",
                "auth.firebase_project_id": "x",
                "auth.credentials_file": "missing.json",
            },
            "missing.json",
        ),
        ({"auth.mode": "anything"}, "auth.mode"),
        ({"server.host": "0.0.0.0"}, "auth.mode dev lets anyone in"),
    ],
    ids=["no project", "no credentials file", "unknown mode", "mode dev for everyone"],
)
def test_a_server_that_cannot_verify_tokens_does_not_start(
    tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    server = ServerProcess(tmp_path, settings)
    server.launch()
    assert server.process and server.process.wait(30) == 1
    assert server.log.count("\n") == 1 and message in server.log, server.log


def test_a_dev_token_is_valid_on_its_own_server_only(
    server: ServerProcess, start_server: StartServer
) -> None:
    other = start_server({"cors.origins": ["https://app.example"]})
    token = Client(other.url, "alice").session.headers["Authorization"]
    assert ask(other, str(token)).status_code == 200
    check_refused(ask(server, str(token)))
    check_refused(ask(other, f"{token}x"))


OWN_NAMES = ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.8.9.1:80", "[::1]", "[::1]:8000"]
OTHER_NAMES = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.evil.example",
    "localhost:8000.evil.example",
    "evil.example/localhost",
    "localhost@evil.example",
    "192.168.1.7",
    "0.0.0.0",
    "[::]:8000",
    "[::1].evil.example",
    "[fe80::1]",
    "localhost, evil.example",
    "x",
]
REBOUND = {
    "detail": "This server runs in mode dev and answers only as localhost, 127.0.0.1 or [::1]"
}


@pytest.mark.parametrize("name", OWN_NAMES)
def test_mode_dev_answers_under_names_of_its_own_machine(server: ServerProcess, name: str) -> None:
    for header in ("Host", "X-Forwarded-Host"):
        assert requests.get(f"{server.url}/", headers={header: name}, timeout=10).ok


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host"])
@pytest.mark.parametrize("name", OTHER_NAMES)
def test_mode_dev_answers_under_no_other_name(
    server: ServerProcess, header: str, name: str
) -> None:
    """A page of evil.example, whose name points to 127.0.0.1, could read a developer's data."""
    body = {"user_id": "alice"}
    response = requests.post(
        f"{server.url}/dev/token", json=body, headers={header: name}, timeout=10
    )
    assert (response.status_code, response.json()) == (403, REBOUND)


def test_mode_firebase_answers_under_any_name(firebase: ServerProcess) -> None:
    name = {"Host": "books.example", "X-Forwarded-Host": "books.example"}
    assert requests.get(f"{firebase.url}/health", headers=name, timeout=10).ok
