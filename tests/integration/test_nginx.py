"""deploy/nginx.conf before the application, and before one that is away: what nginx answers, and
that it adds nothing else.
"""

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
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,if-none-match,x-request-id",
}


@dataclass(frozen=True)
class Answer:
    """An answer with every line of its headers."""

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
) -> Answer:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, headers={"Origin": origin, **(headers or {})})
        return read(connection.getresponse())


def send(port: int, request: bytes) -> Answer:
    """The answer to bytes that need not be a request."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return read(response)


def read(response: http.client.HTTPResponse) -> Answer:
    with response:
        answer = Answer(response.status, response.getheaders(), response.read())
    answer.check_no_header_is_sent_twice()
    return answer


@pytest.fixture(scope="module")
def front(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """nginx before the server that tests share."""
    with nginx_before(server.port, tmp_path_factory.mktemp("front"), [ORIGIN]) as running:
        yield running


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """nginx before nobody."""
    with absent() as port, nginx_before(port, tmp_path_factory.mktemp("away"), [ORIGIN]) as running:
        yield running


def check_own_answer(
    answer: Answer, status: int, detail: str, retry_after: str | None = None
) -> None:
    """nginx made it, in the shape that the application's errors have, for a page of a configured
    origin.
    """
    assert answer.status == status
    assert json.loads(answer.body) == {"detail": detail}
    assert answer["Content-Type"] == "application/json"
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert answer["Access-Control-Allow-Credentials"] == "true"
    check_own_headers(answer)
    assert answer["Retry-After"] == retry_after


def check_own_headers(answer: Answer) -> None:
    assert answer["Vary"] == "Origin"
    assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-ID"] or "")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store"


def check_no_cors(answer: Answer) -> None:
    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


# --- The file itself
# --------------------------------------------------------------------------------------------------


def test_the_file_as_it_is_has_no_mistake_and_no_warning(tmp_path: Path) -> None:
    said = syntax_check(tmp_path, SITE.read_text())
    assert "syntax is ok" in said and "[warn]" not in said, said


def test_the_files_limits_go_with_the_applications_defaults() -> None:
    text = SITE.read_text()
    limit_mb = Config().limits.max_upload_mb
    assert f"client_max_body_size {limit_mb + 1}m;" in text
    assert f'413     "{UploadTooLarge(limit_mb).detail}";' in text
    kept = re.findall(r"keepalive_timeout (\d+)s;", text)
    assert [int(seconds) < Adjustments.channel_timeout for seconds in kept] == [True], (
        "waitress must not close first"
    )


def test_the_command_in_the_file_fills_in_tls_and_redirects_to_it(
    server: ServerProcess, tmp_path: Path
) -> None:
    plain_port = free_port()
    with nginx_with_tls_before(server.port, tmp_path, [ORIGIN], plain_port) as nginx:
        secure = requests.get(
            f"{nginx.url}/health", verify=str(tmp_path / "certificate.pem"), timeout=30
        )
        assert secure.ok and secure.headers["Strict-Transport-Security"] == "max-age=31536000"
        plain = requests.post(
            f"http://127.0.0.1:{plain_port}/api/v1/books?a=b", allow_redirects=False, timeout=30
        )
        assert (plain.status_code, plain.headers["Location"]) == (
            308,
            "https://127.0.0.1/api/v1/books?a=b",
        )
        check_own_answer(ask(nginx.port), 400, "Bad request")  # HTTP at the port of HTTPS


# --- Before an application that answers
# -------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [ORIGIN, STRANGER])
@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/health", {}),
        ("HEAD", "/health", {}),
        ("GET", "/api/v1/books", {}),  # 401
        ("GET", "/nowhere", {}),
        ("DELETE", "/health", {}),
        ("POST", "/dev/token", {}),  # 400
        ("OPTIONS", "/api/v1/files", PREFLIGHT),
    ],
)
def test_the_applications_answers_pass_as_they_are(
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


def own(answer: Answer) -> set[tuple[str, str]]:
    """The application's headers, but for those that differ between any two answers."""
    varying = ("server", "date", "connection", "x-request-id")
    return {(name.lower(), value) for name, value in answer.headers if name.lower() not in varying}


def test_a_book_goes_through_from_upload_to_image(server: ServerProcess, front: Nginx) -> None:
    user = Client(front.url, "through-nginx")
    job = user.end_of(user.submit(photo_pdf()))
    page = user.chapter(job)["pages"][0]
    image = requests.get(front.url + page["background_url"], timeout=30)
    assert image.ok and image.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert image.headers["Vary"] == "Origin"
    polled = user.get(f"/api/v1/books/jobs/{job['job_id']}")
    again = user.get(
        f"/api/v1/books/jobs/{job['job_id']}", headers={"If-None-Match": polled.headers["ETag"]}
    )
    assert again.status_code == 304
    path, _, key = page["background_url"].partition("?")
    front.wait_until_logged(f'"GET {path}" HTTP/1.1 200 ')
    assert key not in front.log, "the log holds a key to an image"


def test_a_large_answer_is_compressed_and_can_still_be_asked_for_again(
    server: ServerProcess, front: Nginx
) -> None:
    user = Client(front.url, "many-books")
    for number in range(12):
        user.post("/api/v1/books", json={"title": f"Book {number}"})
    answer = user.get("/api/v1/books")
    assert answer.headers["Content-Encoding"] == "gzip" and len(answer.json()["books"]) == 12
    assert (
        user.get("/api/v1/books", headers={"If-None-Match": answer.headers["ETag"]}).status_code
        == 304
    )


def test_an_upload_a_little_too_large_is_refused_by_the_application(front: Nginx) -> None:
    user = Client(front.url, "large-upload")
    refused = user.upload(b"%PDF-1.7\n" + bytes(100 * MB + 100_000))
    assert (refused.status_code, refused.json()) == (
        413,
        {"detail": "The upload is larger than the limit of 100 MB"},
    )
    front.wait_until_logged('"POST /api/v1/files" HTTP/1.1 413 .* upstream 413 ')


def test_a_request_has_one_id_in_both_logs_and_the_answer(
    server: ServerProcess, front: Nginx, away: Nginx
) -> None:
    given = {"X-Request-ID": "my-request.1"}
    assert ask(front.port, headers=given)["X-Request-ID"] == "my-request.1"
    front.wait_until_logged("request my-request.1$")
    assert ask(away.port, headers=given)["X-Request-ID"] == "my-request.1"
    drawn = ask(front.port)["X-Request-ID"]
    front.wait_until_logged(f"request {drawn}$")


@pytest.mark.parametrize("hostile", ["a b", "x" * 65, "<script>", '"'])
def test_a_request_id_that_is_none_is_replaced(front: Nginx, away: Nginx, hostile: str) -> None:
    for nginx in (front, away):
        assert re.fullmatch(
            "[0-9a-f]{32}", ask(nginx.port, headers={"X-Request-ID": hostile})["X-Request-ID"] or ""
        )


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/x/../metrics", "/metrics?a=b"]
)
def test_metrics_are_not_shown_outside(front: Nginx, path: str) -> None:
    check_own_answer(ask(front.port, path), 404, "Not found")


# --- What reaches the application
# -------------------------------------------------------------------------------------


@pytest.fixture
def hanging_up() -> Iterator[HangingUp]:
    backend = HangingUp()
    yield backend
    backend.close()


def test_the_application_learns_who_asks_whatever_the_client_claims(
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


def test_a_post_is_never_sent_twice_while_a_get_survives_a_connection_that_was_closed(
    hanging_up: HangingUp,
    tmp_path: Path,
) -> None:
    with nginx_before(hanging_up.port, tmp_path, [ORIGIN]) as nginx:
        statuses = []
        # One connection, for it is one worker of nginx that keeps the connection to the
        # application.
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
def test_mode_dev_answers_nobody_for_whom_a_proxy_asks_from_outside(
    server: ServerProcess,
    forwarded_for: str,
    status: int,
) -> None:
    answer = ask(server.port, headers={"X-Forwarded-For": forwarded_for})
    assert answer.status == status
    if status == 403:
        assert json.loads(answer.body) == {
            "detail": "This server runs in mode dev and answers its own machine only"
        }


# --- While the application is away
# ------------------------------------------------------------------------------------

DOWN = "The service is restarting or down, try again in a moment"
SLOW = "The service took too long to answer, try again in a moment"


def test_a_502_can_be_read_by_pages_of_configured_origins_only(away: Nginx) -> None:
    check_own_answer(ask(away.port), 502, DOWN, retry_after="2")
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
def test_what_looks_like_a_configured_origin_is_none(away: Nginx, origin: str) -> None:
    check_no_cors(ask(away.port, origin=origin))


def test_a_preflight_is_answered_in_the_applications_place_with_the_applications_words(
    front: Nginx, away: Nginx
) -> None:
    alive = ask(front.port, "/api/v1/files", "OPTIONS", headers=PREFLIGHT)
    instead = ask(away.port, "/api/v1/files", "OPTIONS", headers=PREFLIGHT)
    assert (alive.status, instead.status, instead.body) == (204, 204, b"")
    names = {
        name.lower() for name, _ in alive.headers if name.lower().startswith("access-control-")
    }
    assert {
        "access-control-allow-methods",
        "access-control-allow-headers",
        "access-control-max-age",
    } < names
    assert names == {
        name.lower() for name, _ in instead.headers if name.lower().startswith("access-control-")
    }
    for name in names:
        assert words(instead[name]) == words(alive[name]), name
    assert instead["Vary"] == alive["Vary"] == "Origin"


def words(value: str | None) -> set[str]:
    """A list of names, whatever their order and case."""
    return {word.strip().lower() for word in (value or "").split(",")}


def test_headers_that_pages_may_read_are_the_same_on_errors_of_nginx(
    front: Nginx, away: Nginx
) -> None:
    exposed = ask(front.port)["Access-Control-Expose-Headers"]
    assert exposed and words(exposed) == words(ask(away.port)["Access-Control-Expose-Headers"])


@pytest.mark.parametrize(("origin", "headers"), [(STRANGER, PREFLIGHT), (ORIGIN, {})])
def test_options_that_is_no_preflight_of_a_configured_origin_is_a_502(
    away: Nginx,
    origin: str,
    headers: dict[str, str],
) -> None:
    answer = ask(away.port, method="OPTIONS", origin=origin, headers=headers)
    assert answer.status == 502
    assert answer["Access-Control-Allow-Methods"] is None


def test_an_application_that_does_not_answer_is_a_504(tmp_path: Path) -> None:
    soon = {"proxy_read_timeout 60s;": "proxy_read_timeout 1s;"}
    with silent() as port, nginx_before(port, tmp_path, [ORIGIN], soon) as nginx:
        check_own_answer(ask(nginx.port), 504, SLOW, retry_after="2")
        assert ask(nginx.port, method="OPTIONS", headers=PREFLIGHT).status == 204


def test_a_client_that_asks_without_end_is_told_to_wait(tmp_path: Path) -> None:
    with absent() as port, nginx_before(port, tmp_path, [ORIGIN]) as nginx:
        refused = next(
            answer for answer in (ask(nginx.port) for _ in range(2000)) if answer.status != 502
        )
        check_own_answer(refused, 429, "Too many requests, try again in a moment", retry_after="1")
        assert ask(nginx.port, method="OPTIONS", headers=PREFLIGHT).status == 204
        page = ask(nginx.port, "/api/v1/books/b/chapters/c/pages/1/image")
        assert page.status == 502, "pages have a limit of their own"


# --- Requests that nginx refuses
# --------------------------------------------------------------------------------------

WITH_ORIGIN = f"Host: a\r\nOrigin: {ORIGIN}\r\nConnection: close\r\n".encode()


@pytest.mark.parametrize(
    ("request_bytes", "status", "detail"),
    [
        (
            b"POST /api/v1/files HTTP/1.1\r\n" + WITH_ORIGIN + b"Content-Length: 109051904\r\n\r\n",
            413,
            "The upload is larger than the limit of 100 MB",
        ),
        (b"TRACE / HTTP/1.1\r\n" + WITH_ORIGIN + b"\r\n", 405, "Method not allowed"),
        (
            b"GET / HTTP/1.1\r\n" + WITH_ORIGIN + b"Authorization: " + b"x" * 70_000 + b"\r\n\r\n",
            431,
            "The request's headers are too large",
        ),
        (
            b"GET / HTTP/1.1\r\n" + WITH_ORIGIN + b"Transfer-Encoding: rot13\r\n\r\n",
            501,
            "Not supported",
        ),
        (b"GET / HTTP/1.1\r\n" + WITH_ORIGIN + b"Host: b\r\n\r\n", 400, "Bad request"),
        (b"GET /nginx-answers HTTP/1.1\r\n" + WITH_ORIGIN + b"\r\n", 404, "Not found"),
    ],
)
def test_what_nginx_refuses_has_the_shape_of_every_other_error(
    away: Nginx,
    request_bytes: bytes,
    status: int,
    detail: str,
) -> None:
    check_own_answer(send(away.port, request_bytes), status, detail)


@pytest.mark.parametrize(
    ("first_line", "status", "detail"),
    [
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1", 414, "The address is too long"),
        (b"GET /%zz HTTP/1.1", 400, "Bad request"),
        (b"garbage", 400, "Bad request"),
        (b"GET / HTTP/9.1", 505, "Not supported"),
    ],
)
def test_a_first_line_that_cannot_be_read_ends_the_request_before_its_origin_is_known(
    away: Nginx,
    first_line: bytes,
    status: int,
    detail: str,
) -> None:
    answer = send(away.port, first_line + b"\r\n" + WITH_ORIGIN + b"\r\n")
    assert (answer.status, json.loads(answer.body)) == (status, {"detail": detail})
    check_own_headers(answer)


def test_the_longest_token_reaches_the_application(front: Nginx) -> None:
    assert (
        ask(front.port, "/api/v1/books", headers={"Authorization": "Bearer " + "x" * 8192}).status
        == 401
    )


def test_a_drift_between_the_file_and_its_tests_is_noticed() -> None:
    with pytest.raises(AssertionError, match="must say 'keepalive 33;' once"):
        site(80, 8000, [ORIGIN], {"keepalive 33;": ""})
