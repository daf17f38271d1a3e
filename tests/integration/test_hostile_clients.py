"""Clients that send nonsense, slowly or too much, or disappear: none gets a 500 or stops others."""

import base64
import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.client import Client
from tests.support.endpoints import Endpoint, all_endpoints
from tests.support.pdfs import photo_pdf
from tests.support.processes import memory_kb
from tests.support.server import ServerProcess
from tests.support.waiting import wait_until

MAY_GROW_KB = 40_000
# FUZZ_REQUESTS=1000 pytest --hypothesis-seed=N sends more, and other ones.
FUZZ_REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "0"))
fuzz = settings(
    max_examples=FUZZ_REQUESTS or 200,
    derandomize=not FUZZ_REQUESTS,
    deadline=None,
    database=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that is the same process afterwards, and about as large."""
    server = ServerProcess(tmp_path_factory.mktemp("target"), {"limits.max_upload_mb": 50})
    server.start().wait_until_ready()
    warm = Client(server.url, "warm")
    warm.end_of(warm.submit(photo_pdf()))
    before = memory_kb(server.pid)
    yield server
    grown = memory_kb(server.pid, peak=True) - before
    assert server.stop() == 0 and "Traceback" not in server.log, server.log[-3000:]
    assert grown < MAY_GROW_KB, f"the server has grown by {grown} kB since it was at {before} kB"


@pytest.fixture(scope="module")
def user(target: ServerProcess) -> Client:
    return Client(target.url, "somebody")


@pytest.fixture(scope="module")
def ids(user: Client) -> dict[str, str]:
    """Ids that exist, by their names in routes, so that requests get past the first check."""
    file_id = user.upload(photo_pdf()).json()["file_id"]
    job = user.end_of(user.enqueue(file_id).json()["job_id"])
    return {
        "book_id": user.book_id,
        "chapter_id": job["result"]["chapter_id"],
        "job_id": job["job_id"],
        "file_id": file_id,
        "n": "1",
        "name": "poll-job.js",
    }


def cursors() -> st.SearchStrategy[str]:
    inner = st.one_of(
        st.text(max_size=30),
        st.sampled_from(
            [
                "0001-01-01T00:00:00+23:59 x",
                "9999-12-31T23:59:59-23:59 x",
                "2026-02-08T00:10:28.325Z",
                " ",
                "2026-02-08 \0",
            ]
        ),
    )
    return inner.map(lambda text: base64.urlsafe_b64encode(text.encode()).decode())


words = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", "0", "-1", "99999999999999999999", "\0", "\ud800", "%00", "..", "a" * 5000, "$ne"]
    ),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=8,
)
fields = st.sampled_from(
    [
        "title",
        "file_id",
        "slug",
        "order_index",
        "parent_id",
        "is_published",
        "is_preview_free",
        "user_id",
        "$where",
        "",
    ]
)
bodies = st.one_of(
    st.dictionaries(fields, values, max_size=6).map(json.dumps),
    values.map(json.dumps),
    st.just("[" * 100_000),
    st.just('{"title": ' + "9" * 5000 + "}"),
    st.binary(max_size=60),
)
sent_words = words.map(lambda word: word.encode("utf-8", "replace"))
forms = st.dictionaries(fields, sent_words, max_size=6)
queries = st.dictionaries(
    st.sampled_from(["status", "book_id", "limit", "cursor", "expires", "signature", "x"]),
    st.one_of(sent_words, cursors()),
    max_size=3,
)
header_values = st.one_of(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF), max_size=60),
    st.sampled_from(['W/"x"', "*", "bytes=0-0", "bytes=9-1,"]),
)
headers = st.dictionaries(
    st.sampled_from(
        [
            "Idempotency-Key",
            "If-None-Match",
            "If-Modified-Since",
            "If-Range",
            "Range",
            "Content-Type",
            "X-Request-ID",
            "Origin",
            "Accept",
            "Content-Encoding",
            "Access-Control-Request-Method",
            "X-Forwarded-For",
            "Cookie",
        ]
    ),
    header_values,
    max_size=3,
)
methods = st.sampled_from(
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
)


@st.composite
def requests_to_anything(draw: st.DrawFn, ids: dict[str, str]) -> tuple[str, str, dict[str, Any]]:
    endpoint: Endpoint = draw(st.sampled_from(all_endpoints()))
    values = {}
    for name in sorted(endpoint.parameters):
        # Mostly ids that exist: a page needs three of them at once.
        exists = draw(st.sampled_from([True, True, True, False]))
        values[name] = quote(ids[name] if exists else draw(words), safe="", errors="replace")
    address = endpoint.address(values)
    content = draw(st.sampled_from(["json", "form", "pdf", "nothing"]))
    options: dict[str, Any] = {
        "params": draw(queries),
        "headers": {name: value.encode("latin-1") for name, value in draw(headers).items()},
    }
    if content == "json":
        options["data"] = draw(bodies)
    elif content != "nothing":
        options["data"] = draw(forms)
        pdf = draw(st.sampled_from([photo_pdf(), b"", b"%PDF-"]))
        options["files"] = {draw(st.sampled_from(["file", "pdf"])): ("a.pdf", pdf)}
    return draw(st.one_of(st.just(endpoint.method), methods)), address, options


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+23:59 x",
        "9999-12-31T23:59:59-23:59 x",
        "2026-02-08T00:10:28.325Z",
        "2026-02-08",
        " ",
        "\0",
        "\xff",
    ],
    ids=ascii,
)
def test_a_damaged_cursor_never_fails(user: Client, text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode("latin-1")).decode()
    check_response(user.get("/api/v1/books/jobs", params={"cursor": cursor}), "GET")


def test_no_request_gets_a_500_and_every_error_has_its_shape(
    user: Client, ids: dict[str, str]
) -> None:
    succeeded = set()

    @fuzz
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        method, address, options = data.draw(requests_to_anything(ids))
        if method == "DELETE" and ids["book_id"] in address:
            return  # the book and its chapter are for the other examples
        response = user.request(method, address, allow_redirects=False, **options)
        check_response(response, method)
        if response.ok:
            succeeded.add(address)

    check()
    page = f"/api/v1/books/{ids['book_id']}/chapters/{ids['chapter_id']}/pages/{ids['n']}"
    assert {page, f"{page}/image"} & succeeded, "no request was for a page that exists"


def check_response(response: requests.Response, method: str) -> None:
    assert response.status_code < 500 or response.status_code in (501, 503, 507), response.text
    assert response.headers["X-Request-ID"]
    if response.status_code >= 400 and method != "HEAD":
        body = response.json()
        assert list(body) == ["detail"], response.text
        assert body["detail"] and isinstance(body["detail"], str), response.text


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a b/c\r\n\r\n",
        b"GET /api/v1/books/%ff%fe/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /dev/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /dev/token HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /dev/token HTTP/1.1\r\nHost: localhost\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n\r\n",
        b"POST /dev/token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n"
        b"Content-Length: 0\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: " + b"a" * 263_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 263_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
        b"Authorization: Bearer \xff\xfe\r\nno colon\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:50]),
)
def test_malformed_http_is_refused_in_the_same_shape(target: ServerProcess, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", target.port), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = response.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert status == 200 or 400 <= status < 500 or status == 501, response[:500]
    if status != 200:
        assert list(json.loads(body)) == ["detail"] and b"x-request-id" in head.lower()


@pytest.mark.parametrize(
    "body",
    [b"[" + b"[]," * 8_000_000 + b"[]]", b'{"title": "' + b"a" * 30_000_000 + b'"}'],
    ids=["lists", "text"],
)
@pytest.mark.parametrize("path", ["/api/v1/books", "/api/v1/books/{book}/chapters/from-pdf"])
def test_a_body_too_large_to_be_fields_is_refused_before_it_is_read(
    user: Client, path: str, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    response = user.post(path.format(book=user.book_id), data=body, headers=headers)
    assert (response.status_code, response.json()) == (
        413,
        {"detail": "The body is larger than the limit of 1 MB"},
    )


@pytest.mark.parametrize("path", ["/api/v1/files", "/api/v1/books/{book}/chapters/from-pdf"])
@pytest.mark.parametrize(
    "files", [{}, {"file": ("a.pdf", photo_pdf())}], ids=["alone", "with a PDF"]
)
def test_a_form_field_that_is_too_large_is_refused_with_its_own_limit(
    user: Client, path: str, files: dict[str, Any]
) -> None:
    form = {"other": (None, "small"), "title": (None, "x" * 2_000_000), **files}
    response = user.post(path.format(book=user.book_id), files=form)
    assert (response.status_code, response.json()) == (
        413,
        {"detail": "A form field is larger than the limit of 1 MB"},
    )


def test_hundreds_of_slow_connections_do_not_stop_a_poll(
    target: ServerProcess, user: Client, ids: dict[str, str]
) -> None:
    authorization = user.session.headers["Authorization"]
    request = (
        f"POST /api/v1/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n"
    )
    with ExitStack() as open_ones:
        address = ("127.0.0.1", target.port)
        slow = [
            open_ones.enter_context(socket.create_connection(address, timeout=10))
            for _ in range(200)
        ]
        for byte in request[:4].encode():
            for connection in slow:
                connection.sendall(bytes([byte]))
            for _ in range(10):
                assert (
                    user.get(f"/api/v1/books/jobs/{ids['job_id']}", timeout=30).status_code == 200
                )
        rest = f"{request[4:]}Content-Length: 100000\r\n\r\n%PDF-".encode()
        for connection in slow:
            connection.sendall(rest)
        assert user.end_of(user.submit(photo_pdf()))["status"] == "completed"


def test_a_client_that_disappears_during_its_upload_leaves_no_file(
    target: ServerProcess, user: Client
) -> None:
    def held() -> tuple[int, set[str]]:
        descriptors = len(list(Path(f"/proc/{target.pid}/fd").iterdir()))
        return descriptors, {path.name for path in (target.data / "uploads").iterdir()}

    user.session.close()
    descriptors, files = held()
    pdf, boundary = photo_pdf() + bytes(3_000_000), uuid4().hex
    part = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
    ).encode()
    head = (
        "POST /api/v1/files HTTP/1.1\r\n"
        "Host: localhost\r\n"
        f"Authorization: {user.session.headers['Authorization']}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\n"
        f"Content-Length: {len(part) + len(pdf)}\r\n\r\n"
    ).encode()
    for sent in (head, head + part, head + part + pdf[:1_000_000], head + part + pdf[:-1]):
        with socket.create_connection(("127.0.0.1", target.port), timeout=10) as connection:
            connection.sendall(sent)
    wait_until(lambda: held()[0] <= descriptors and held()[1] == files, what="no trace of them")
    assert user.upload(photo_pdf()).status_code == 201
