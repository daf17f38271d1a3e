"""deploy/nginx.conf in front of an application that is up or away: what nginx itself answers."""

import http.client
import json
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from waitress.adjustments import Adjustments

from tests.support.backends import HangingUp, absent, silent
from tests.support.client import Client
from tests.support.nginx import SITE, Nginx, nginx_before, nginx_with_tls_before, site, syntax_check
from tests.support.pdfs import photo_pdf
from tests.support.server import ServerProcess, free_port
from wordai_jobs.config import Config
from wordai_jobs.errors import UploadTooLarge

ORIGIN = "https://app.example"
STRANGER = "https://stranger.example"
MB = 1024 * 1024
_ASKED_FOR = (
    *("authorization", "content-type", "idempotency-key"),
    *("if-none-match", "range", "x-request-id"),
)
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": ",".join(_ASKED_FOR),
}


@dataclass(frozen=True)
class Response:
    """A response with every line of its headers."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def __getitem__(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) <= 1, f"{name} was sent {len(found)} times: {found}"
        return found[0] if found else None

    def check_no_header_is_sent_twice(self) -> None:
        names = sorted(name.lower() for name, _ in self.headers)
        assert names == sorted(set(names)), names


def ask(
    port: int,
    path: str = "/health",
    method: str = "GET",
    origin: str = ORIGIN,
    headers: Mapping[str, str] | None = None,
) -> Response:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, headers={"Origin": origin, **(headers or {})})
        return read(connection.getresponse())


def send(port: int, request: bytes) -> Response:
    """The response to bytes that may not be a request."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return read(response)


def read(received: http.client.HTTPResponse) -> Response:
    with received:
        response = Response(received.status, received.getheaders(), received.read())
    response.check_no_header_is_sent_twice()
    return response


@pytest.fixture(scope="module")
def front(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """nginx in front of the server that tests share."""
    with nginx_before(server.port, tmp_path_factory.mktemp("front"), [ORIGIN]) as running:
        yield running


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """nginx in front of nothing."""
    with absent() as port, nginx_before(port, tmp_path_factory.mktemp("away"), [ORIGIN]) as running:
        yield running


def check_own_error(
    response: Response, status: int, detail: str, retry_after: str | None = None
) -> None:
    """nginx has made the response, for a configured origin, and it looks like the application's."""
    assert response.status == status
    assert json.loads(response.body) == {"detail": detail}
    assert response["Content-Type"] == "application/json"
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert response["Access-Control-Allow-Credentials"] == "true"
    check_own_headers(response)
    assert response["Retry-After"] == retry_after


def check_own_headers(response: Response) -> None:
    assert response["Vary"] == "Origin"
    assert re.fullmatch("[0-9a-f]{32}", response["X-Request-ID"] or "")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "no-store"


def check_no_cors(response: Response) -> None:
    assert not [name for name, _ in response.headers if name.lower().startswith("access-control-")]


# The file itself


def test_the_unchanged_file_has_no_mistake_and_no_warning(tmp_path: Path) -> None:
    said = syntax_check(tmp_path, SITE.read_text())
    assert "syntax is ok" in said and "[warn]" not in said, said


def test_the_files_limits_go_with_the_applications_defaults() -> None:
    text = SITE.read_text()
    limit_mb = Config().limits.max_upload_mb
    assert f"client_max_body_size {limit_mb + 1}m;" in text
    assert f'413     "{UploadTooLarge(limit_mb).detail}";' in text
    [keepalive_s] = re.findall(r"keepalive_timeout (\d+)s;", text)
    assert int(keepalive_s) < Adjustments.channel_timeout, "waitress must not close first"


def test_the_command_in_the_file_fills_in_tls_and_redirects_to_it(
    server: ServerProcess, tmp_path: Path
) -> None:
    plain_port = free_port()
    with nginx_with_tls_before(server.port, tmp_path, [ORIGIN], plain_port) as nginx:
        authority = str(tmp_path / "authority.pem")
        secure = requests.get(f"{nginx.url}/health", verify=authority, timeout=30)
        assert secure.ok and secure.headers["Strict-Transport-Security"] == "max-age=31536000"
        plain_url = f"http://127.0.0.1:{plain_port}/api/v1/books?a=b"
        plain = requests.post(plain_url, allow_redirects=False, timeout=30)
        assert plain.status_code == 308
        assert plain.headers["Location"] == "https://127.0.0.1/api/v1/books?a=b"
        check_own_error(ask(nginx.port), 400, "Bad request")  # HTTP at the port of HTTPS


# Before an application that responds


@pytest.mark.parametrize("origin", [ORIGIN, STRANGER])
@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        pytest.param("GET", "/health", {}, id="200"),
        pytest.param("HEAD", "/health", {}, id="200 without a body"),
        pytest.param("POST", "/dev/token", {}, id="400"),
        pytest.param("GET", "/api/v1/books", {}, id="401"),
        pytest.param("GET", "/nowhere", {}, id="404"),
        pytest.param("DELETE", "/health", {}, id="405"),
        pytest.param("OPTIONS", "/api/v1/files", PREFLIGHT, id="preflight"),
    ],
)
def test_the_applications_responses_pass_unchanged(
    server: ServerProcess,
    front: Nginx,
    method: str,
    path: str,
    headers: dict[str, str],
    origin: str,
) -> None:
    direct = ask(server.port, path, method, origin, headers)
    through = ask(front.port, path, method, origin, headers)
    assert (through.status, through.body) == (direct.status, direct.body)
    assert own(through) == own(direct)
    assert through["Access-Control-Allow-Origin"] == (ORIGIN if origin == ORIGIN else None)


def own(response: Response) -> set[tuple[str, str]]:
    """The application's headers, except those that differ between any two responses."""
    varying = ("server", "date", "connection", "x-request-id")
    return {
        (name.lower(), value) for name, value in response.headers if name.lower() not in varying
    }


def test_a_book_goes_through_from_upload_to_image(server: ServerProcess, front: Nginx) -> None:
    user = Client(front.url, "through-nginx")
    job = user.end_of(user.submit(photo_pdf()))
    page = user.chapter(job)["pages"][0]
    image = requests.get(front.url + page["background_url"], timeout=30)
    assert image.ok and image.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert image.headers["Vary"] == "Origin"
    address = f"/api/v1/books/jobs/{job['job_id']}"
    unchanged = {"If-None-Match": user.get(address).headers["ETag"]}
    assert user.get(address, headers=unchanged).status_code == 304
    path, _, key = page["background_url"].partition("?")
    front.wait_until_logged(f'"GET {path}" HTTP/1.1 200 ')
    assert key not in front.log, "the log contains the key to an image"


def test_a_large_response_is_compressed_and_can_still_be_asked_for_again(
    server: ServerProcess, front: Nginx
) -> None:
    user = Client(front.url, "many-books")
    for number in range(12):
        user.post("/api/v1/books", json={"title": f"Book {number}"})
    response = user.get("/api/v1/books")
    assert response.headers["Content-Encoding"] == "gzip" and len(response.json()["books"]) == 12
    unchanged = {"If-None-Match": response.headers["ETag"]}
    assert user.get("/api/v1/books", headers=unchanged).status_code == 304


def test_an_upload_a_little_too_large_is_refused_by_the_application(front: Nginx) -> None:
    user = Client(front.url, "large-upload")
    refused = user.upload(b"%PDF-1.7\n" + bytes(100 * MB + 100_000))
    assert refused.status_code == 413
    assert refused.json() == {"detail": "The upload is larger than the limit of 100 MB"}
    front.wait_until_logged('"POST /api/v1/files" HTTP/1.1 413 .* upstream 413 ')


def test_a_request_has_one_id_in_both_logs_and_the_response(
    server: ServerProcess, front: Nginx, away: Nginx
) -> None:
    given = {"X-Request-ID": "my-request.1"}
    assert ask(front.port, headers=given)["X-Request-ID"] == "my-request.1"
    front.wait_until_logged("request my-request.1$")
    assert ask(away.port, headers=given)["X-Request-ID"] == "my-request.1"
    drawn = ask(front.port)["X-Request-ID"]
    front.wait_until_logged(f"request {drawn}$")


@pytest.mark.parametrize("hostile", ["a b", "x" * 65, "<script>", '"'])
def test_a_malformed_request_id_is_replaced(front: Nginx, away: Nginx, hostile: str) -> None:
    for nginx in (front, away):
        drawn = ask(nginx.port, headers={"X-Request-ID": hostile})["X-Request-ID"]
        assert re.fullmatch("[0-9a-f]{32}", drawn or "")


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/x/../metrics", "/metrics?a=b"]
)
def test_metrics_are_not_shown_outside(front: Nginx, path: str) -> None:
    check_own_error(ask(front.port, path), 404, "Not found")


# What reaches the application


@pytest.fixture
def hanging_up() -> Iterator[HangingUp]:
    with closing(HangingUp()) as backend:
        yield backend


def test_the_application_learns_the_clients_address_whatever_it_claims(
    hanging_up: HangingUp, tmp_path: Path
) -> None:
    claims = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "bank.example",
    }
    with nginx_before(hanging_up.port, tmp_path, [ORIGIN]) as nginx:
        ask(nginx.port, headers=claims)
    lines = hanging_up.requests[0].splitlines()
    forwarded = [line for line in lines if line.startswith(("X-Forwarded-", "Host:"))]
    here = f"127.0.0.1:{nginx.port}"
    assert sorted(forwarded) == [
        f"Host: {here}",
        "X-Forwarded-For: 127.0.0.1",
        f"X-Forwarded-Host: {here}",
        "X-Forwarded-Proto: http",
    ]


def test_a_get_survives_a_closed_connection_but_a_post_is_never_sent_twice(
    hanging_up: HangingUp, tmp_path: Path
) -> None:
    with nginx_before(hanging_up.port, tmp_path, [ORIGIN]) as nginx:
        statuses = []
        # One connection, because each worker of nginx has its own to the application.
        with closing(http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=30)) as connection:
            for method in ("GET", "GET", "POST"):
                connection.request(method, "/", body=b"{}" if method == "POST" else None)
                statuses.append(read(connection.getresponse()).status)
    assert statuses == [200, 200, 502]
    assert [request.split()[0] for request in hanging_up.requests] == ["GET", "GET", "GET", "POST"]


@pytest.mark.parametrize(
    ("forwarded_for", "status"),
    [
        ("127.0.0.1", 200),
        ("::1", 200),
        ("203.0.113.9", 403),
        ("127.0.0.1, 203.0.113.9", 403),
        ("203.0.113.9, 127.0.0.1", 403),
        ("unknown", 403),
        ("2001:db8::1", 403),
    ],
)
def test_mode_dev_refuses_requests_that_a_proxy_forwards_from_outside(
    server: ServerProcess, forwarded_for: str, status: int
) -> None:
    response = ask(server.port, headers={"X-Forwarded-For": forwarded_for})
    assert response.status == status
    if status == 403:
        refusal = "This server runs in mode dev and answers its own machine only"
        assert json.loads(response.body) == {"detail": refusal}


# While the application is away

DOWN = "The service is restarting or down, try again in a moment"
SLOW = "The service took too long to answer, try again in a moment"


def test_a_502_can_be_read_by_pages_of_configured_origins_only(away: Nginx) -> None:
    check_own_error(ask(away.port), 502, DOWN, retry_after="2")
    stranger = ask(away.port, origin=STRANGER)
    assert (stranger.status, json.loads(stranger.body)) == (502, {"detail": DOWN})
    check_no_cors(stranger)
    check_own_headers(stranger)
    assert ask(away.port, method="HEAD").status == 502


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://app.example",
        "https://app.example.evil.example",
        "https://app.example:8443",
        "https://xapp.example",
        "https://app.example/",
        "*",
    ],
)
def test_an_origin_that_only_resembles_a_configured_one_gets_no_cors_headers(
    away: Nginx, origin: str
) -> None:
    check_no_cors(ask(away.port, origin=origin))


def test_a_preflight_is_answered_in_the_applications_place_as_the_application_does(
    front: Nginx, away: Nginx
) -> None:
    alive = ask(front.port, "/api/v1/files", "OPTIONS", headers=PREFLIGHT)
    instead = ask(away.port, "/api/v1/files", "OPTIONS", headers=PREFLIGHT)
    assert (alive.status, instead.status, instead.body) == (204, 204, b"")
    assert alive["Access-Control-Allow-Methods"] and alive["Access-Control-Allow-Headers"]
    assert alive["Access-Control-Max-Age"]
    assert cors_headers(instead) == cors_headers(alive)
    assert instead["Vary"] == alive["Vary"] == "Origin"


def cors_headers(response: Response) -> dict[str, set[str]]:
    lower = {name.lower(): value for name, value in response.headers}
    return {
        name: names_in(value) for name, value in lower.items() if name.startswith("access-control-")
    }


def names_in(value: str | None) -> set[str]:
    """A list of names, whatever their order and case."""
    return {name.strip().lower() for name in (value or "").split(",")}


def test_headers_that_pages_may_read_are_the_same_on_errors_of_nginx(
    front: Nginx, away: Nginx
) -> None:
    exposed = ask(front.port)["Access-Control-Expose-Headers"]
    instead = ask(away.port)["Access-Control-Expose-Headers"]
    assert exposed and names_in(exposed) == names_in(instead)


@pytest.mark.parametrize(
    ("origin", "headers"),
    [(STRANGER, PREFLIGHT), (ORIGIN, {})],
    ids=["preflight of a stranger", "no preflight"],
)
def test_only_preflights_of_configured_origins_are_answered_while_it_is_away(
    away: Nginx, origin: str, headers: dict[str, str]
) -> None:
    response = ask(away.port, method="OPTIONS", origin=origin, headers=headers)
    assert response.status == 502
    assert response["Access-Control-Allow-Methods"] is None


def test_an_application_that_does_not_answer_is_a_504(tmp_path: Path) -> None:
    soon = {"proxy_read_timeout 60s;": "proxy_read_timeout 1s;"}
    with silent() as port, nginx_before(port, tmp_path, [ORIGIN], soon) as nginx:
        check_own_error(ask(nginx.port), 504, SLOW, retry_after="2")
        assert ask(nginx.port, method="OPTIONS", headers=PREFLIGHT).status == 204


def test_a_client_that_never_stops_asking_is_told_to_wait(tmp_path: Path) -> None:
    with absent() as port, nginx_before(port, tmp_path, [ORIGIN]) as nginx:
        responses = (ask(nginx.port) for _ in range(2000))
        refused = next(response for response in responses if response.status != 502)
        check_own_error(refused, 429, "Too many requests, try again in a moment", retry_after="1")
        assert ask(nginx.port, method="OPTIONS", headers=PREFLIGHT).status == 204
        for part in ("", "/image", "/thumbnail"):
            page = ask(nginx.port, f"/api/v1/books/b/chapters/c/pages/1{part}")
            assert page.status == 502, "pages have a limit of their own"


# Requests that nginx refuses

ORIGIN_LINES = f"Host: a\r\nOrigin: {ORIGIN}\r\nConnection: close\r\n".encode()
TOO_LARGE = "The upload is larger than the limit of 100 MB"
REFUSED = {
    "POST /api/v1/files": (b"Content-Length: 109051904\r\n", 413, TOO_LARGE),
    "TRACE /": (b"", 405, "Method not allowed"),
    "GET /headers-too-large": (
        b"Authorization: " + b"x" * 70_000 + b"\r\n",
        431,
        "The request's headers are too large",
    ),
    "GET /unknown-encoding": (b"Transfer-Encoding: rot13\r\n", 501, "Not supported"),
    "GET /two-hosts": (b"Host: b\r\n", 400, "Bad request"),
    "GET /nginx-errors": (b"", 404, "Not found"),
}


@pytest.mark.parametrize("method_and_path", REFUSED)
def test_what_nginx_refuses_looks_like_every_other_error(away: Nginx, method_and_path: str) -> None:
    more, status, detail = REFUSED[method_and_path]
    request = f"{method_and_path} HTTP/1.1\r\n".encode() + ORIGIN_LINES + more + b"\r\n"
    check_own_error(send(away.port, request), status, detail)


@pytest.mark.parametrize(
    ("first_line", "status", "detail"),
    [
        pytest.param(
            b"GET /" + b"x" * 70_000 + b" HTTP/1.1",
            414,
            "The address is too long",
            id="too long",
        ),
        pytest.param(b"GET /%zz HTTP/1.1", 400, "Bad request", id="bad escape"),
        pytest.param(b"garbage", 400, "Bad request", id="garbage"),
        pytest.param(b"GET / HTTP/9.1", 505, "Not supported", id="unknown version"),
    ],
)
def test_a_bad_first_line_is_refused_before_nginx_knows_the_origin(
    away: Nginx, first_line: bytes, status: int, detail: str
) -> None:
    response = send(away.port, first_line + b"\r\n" + ORIGIN_LINES + b"\r\n")
    assert (response.status, json.loads(response.body)) == (status, {"detail": detail})
    check_own_headers(response)


def test_the_longest_token_reaches_the_application(front: Nginx) -> None:
    token = {"Authorization": "Bearer " + "x" * 8192}
    assert ask(front.port, "/api/v1/books", headers=token).status == 401


def test_a_change_that_no_longer_fits_the_file_is_noticed() -> None:
    with pytest.raises(AssertionError, match="must say 'keepalive 33;' once"):
        site(80, 8000, [ORIGIN], {"keepalive 33;": ""})
