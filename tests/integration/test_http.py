"""What every response has: its headers, readable from the configured origins and from no other."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO

import pytest
import requests
from PIL import Image

from tests.support.client import Client
from tests.support.openapi import Contract
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.server import ServerProcess
from wordai_jobs.rendering import sandbox

ORIGIN = "https://app.example"
CORS = [
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Access-Control-Expose-Headers",
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Max-Age",
]
# What pages may read of every response, and what only browsers read.
ALWAYS_READABLE = {"Cache-Control", "Content-Security-Policy"}
# One of each kind of response: method, path, status.
RESPONSES = [
    ("GET", "/health", 200),
    ("HEAD", "/health", 200),
    ("GET", "/health/ready", 200),
    ("GET", "/api/v1/books", 401),
    ("GET", "/api/v1/books/jobs/x", 401),
    ("POST", "/api/v1/files", 401),
    ("GET", "/nowhere", 404),
    ("GET", "/api/v1/nowhere", 404),
    ("POST", "/health", 405),
    ("DELETE", "/api/v1/files", 405),
    ("POST", "/dev/token", 400),
]


def ask(server: ServerProcess, method: str, path: str, **headers: str) -> requests.Response:
    return requests.request(method, server.url + path, headers=headers, timeout=10)


@pytest.mark.parametrize("method, path, status", RESPONSES)
def test_every_response_can_be_read_from_a_configured_origin(
    server: ServerProcess,
    method: str,
    path: str,
    status: int,
) -> None:
    response = ask(server, method, path, Origin=ORIGIN)
    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert {"ETag", "Retry-After", "X-Request-ID"} <= set(
        response.headers["Access-Control-Expose-Headers"].split(", ")
    )
    assert "Origin" in response.headers["Vary"]
    if status >= 400:
        assert list(response.json()) == ["detail"]


@pytest.mark.parametrize("method, path, status", RESPONSES)
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://app.example.evil.example", "http://app.example", "null"],
)
def test_no_response_can_be_read_from_another_origin(
    server: ServerProcess,
    method: str,
    path: str,
    status: int,
    origin: str,
) -> None:
    response = ask(server, method, path, Origin=origin)
    assert response.status_code == status
    assert not [name for name in CORS if name in response.headers]
    assert "Origin" in response.headers["Vary"]


@pytest.fixture(scope="module")
def bracketed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose configured origin would mean something else as a pattern."""
    settings: dict[str, object] = {"cors.origins": ["http://[::1]:3000"]}
    running = ServerProcess(tmp_path_factory.mktemp("bracketed"), settings).start()
    yield running
    assert running.stop() == 0, running.log[-3000:]


@pytest.mark.parametrize(
    "origin, is_allowed",
    [
        ("http://[::1]:3000", True),
        ("http://1:3000", False),
        ("http://1:30001", False),
        ("http://:::3000", False),
        ("http://[::1]:3000.evil.example", False),
    ],
)
def test_an_origin_with_brackets_is_not_a_pattern(
    bracketed: ServerProcess, origin: str, is_allowed: bool
) -> None:
    response = ask(bracketed, "GET", "/health", Origin=origin)
    assert ("Access-Control-Allow-Origin" in response.headers) is is_allowed


@pytest.mark.parametrize(
    "path", ["/api/v1/books", "/api/v1/books/jobs/x", "/api/v1/files", "/nowhere"]
)
def test_a_preflight_is_answered_without_authentication(server: ServerProcess, path: str) -> None:
    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, idempotency-key",
    }
    response = ask(server, "OPTIONS", path, Origin=ORIGIN, **preflight)
    assert response.ok and response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    allowed = response.headers["Access-Control-Allow-Headers"].lower()
    assert "authorization" in allowed and "idempotency-key" in allowed
    foreign = ask(server, "OPTIONS", path, Origin="https://evil.example", **preflight)
    assert not [name for name in CORS if name in foreign.headers]


def test_pages_of_other_origins_may_use_all_that_is_documented(server: ServerProcess) -> None:
    contract = Contract(server.url)
    components = contract.document["components"]
    parameters = components["parameters"].values()
    sent = {each["name"].lower() for each in parameters if each["in"] == "header"}
    preflight = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": ", ".join(sent),
    }
    response = ask(server, "OPTIONS", "/api/v1/books", Origin=ORIGIN, **preflight)
    methods, headers, exposed = (
        set(response.headers[f"Access-Control-{what}"].split(", "))
        for what in ("Allow-Methods", "Allow-Headers", "Expose-Headers")
    )
    assert {method.upper() for _, method, _ in contract.operations()} <= methods
    assert sent <= {header.lower() for header in headers}
    readable = {*components["headers"], "Content-Range", "Accept-Ranges"}
    assert readable - ALWAYS_READABLE <= exposed


def test_a_harmless_request_id_is_returned(server: ServerProcess) -> None:
    response = ask(server, "GET", "/health", **{"X-Request-ID": "trace-1.a_B"})
    assert response.headers["X-Request-ID"] == "trace-1.a_B"


@pytest.mark.parametrize("bad_id", ["a b", "é", "x" * 65, ""], ids=ascii)
def test_a_new_request_id_replaces_a_harmful_one(server: ServerProcess, bad_id: str) -> None:
    responses = [ask(server, "GET", "/health", **{"X-Request-ID": bad_id}) for _ in range(2)]
    first, second = (response.headers["X-Request-ID"] for response in responses)
    assert len(first) == len(second) == 32 and first != second


def test_what_the_http_server_itself_refuses_has_the_same_shape(server: ServerProcess) -> None:
    response = requests.get(
        f"{server.url}/health", headers={"X-Long": "x" * 300_000, "Origin": ORIGIN}, timeout=10
    )
    assert response.status_code == 431 and list(response.json()) == ["detail"]
    assert response.headers["X-Request-ID"]


def test_an_unchanged_job_is_304_and_a_changed_one_is_not(alice: Client) -> None:
    job_id = alice.submit(photo_pdf())
    alice.end_of(job_id)
    first = alice.get(f"/api/v1/books/jobs/{job_id}", headers={"Origin": ORIGIN})
    again = alice.get(
        f"/api/v1/books/jobs/{job_id}",
        headers={"If-None-Match": first.headers["ETag"], "Origin": ORIGIN},
    )
    assert again.status_code == 304 and again.content == b""
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == "no-cache"
    assert again.headers["Access-Control-Allow-Origin"] == ORIGIN
    other = alice.get(f"/api/v1/books/jobs/{job_id}", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200 and other.json() == first.json()


def test_a_hundred_polls_of_an_unchanged_job_use_one_connection(
    server: ServerProcess, alice: Client
) -> None:
    job = f"/api/v1/books/jobs/{alice.end_of(alice.submit(photo_pdf()))['job_id']}"
    headers = {
        "Authorization": f"Bearer {alice.token}",
        "If-None-Match": alice.get(job).headers["ETag"],
    }
    with closing(CountingConnection("127.0.0.1", server.port, timeout=10)) as connection:
        for _ in range(100):
            connection.request("GET", job, headers=headers)
            with connection.getresponse() as response:
                assert (response.status, response.read()) == (304, b"")
    assert connection.count == 1


class CountingConnection(http.client.HTTPConnection):
    """Connects again if the server has closed the connection, and counts how often it does."""

    count = 0

    def connect(self) -> None:
        self.count += 1
        super().connect()


def test_a_page_image_can_be_cached_forever(alice: Client) -> None:
    page = alice.chapter(alice.end_of(alice.submit(photo_pdf())))["pages"][0]
    image = requests.get(alice.url + page["background_url"], headers={"Origin": ORIGIN}, timeout=10)
    assert image.headers["Content-Type"] == "image/jpeg"
    assert image.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age=31536000" in image.headers["Cache-Control"]
    assert "immutable" in image.headers["Cache-Control"]
    assert image.headers["Access-Control-Allow-Origin"] == ORIGIN
    with Image.open(BytesIO(image.content)) as opened:
        assert opened.size == (page["width"], page["height"])
    again = requests.get(
        alice.url + page["background_url"],
        headers={"If-None-Match": image.headers["ETag"]},
        timeout=10,
    )
    assert again.status_code == 304


@pytest.fixture(scope="module")
def image_url(server: ServerProcess) -> str:
    """The signed URL of a page image."""
    user = Client(server.url, "reader")
    page = user.chapter(user.end_of(user.submit(photo_pdf())))["pages"][0]
    return str(server.url + page["background_url"])


@pytest.mark.parametrize("part", ["bytes=0-9", "bytes=10-99999999", "BYTES=-5", "bytes=7-"])
def test_a_range_of_an_image_is_sent_alone(image_url: str, part: str) -> None:
    whole = requests.get(image_url, timeout=10).content
    response = requests.get(image_url, headers={"Range": part}, timeout=10)
    first, _, last = part.partition("=")[2].partition("-")
    expected = whole[int(first) : int(last or len(whole)) + 1] if first else whole[-int(last) :]
    assert (response.status_code, response.content) == (206, expected)
    assert response.headers["Content-Range"].endswith(f"/{len(whole)}")


@pytest.mark.parametrize("part", ["bytes=99999999-", "bytes=99999999-99999999", "bytes=-0"])
def test_a_range_past_the_end_is_refused(image_url: str, part: str) -> None:
    response = requests.get(image_url, headers={"Range": part}, timeout=10)
    assert (response.status_code, response.json()) == (
        416,
        {"detail": "The range is not in the file"},
    )
    assert response.headers["Content-Range"].startswith("bytes */")


@pytest.mark.parametrize(
    "part",
    [
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=x-y",
        "bytes=5-2",
        "bytes=1-2-3",
        "bytes=+1-2",
        "bytes=٣-٤".encode().decode("latin-1"),
        "bytes=0-" + "9" * 5000,
        "bytes=0-1,5-6",
        "bytes=0-1,x",
        "bytes=-99999999",
        "pages=1-2",
        "garbage",
    ],
    ids=lambda part: ascii(part)[:30],
)
def test_a_range_that_cannot_be_read_or_served_is_ignored(image_url: str, part: str) -> None:
    whole = requests.get(image_url, timeout=10)
    response = requests.get(image_url, headers={"Range": part.encode("latin-1")}, timeout=10)
    assert (response.status_code, response.content) == (200, whole.content), "RFC 9110, 14.2"
    etag = whole.headers["ETag"].encode()
    again = {"Range": part.encode("latin-1"), "If-None-Match": etag}
    assert requests.get(image_url, headers=again, timeout=10).status_code == 304


def test_a_head_request_has_no_range(image_url: str) -> None:
    length = requests.head(image_url, timeout=10).headers["Content-Length"]
    response = requests.head(image_url, headers={"Range": "bytes=0-9"}, timeout=10)
    assert (response.status_code, response.headers["Content-Length"]) == (200, length)


def test_a_book_has_its_chapters_in_order_and_a_deleted_one_is_gone(alice: Client) -> None:
    ids = []
    for title, order in (("Two", 2), ("One", 1), ("One", 1)):
        job = alice.end_of(alice.submit(photo_pdf(), title=title, order_index=order))
        ids.append(job["result"]["chapter_id"])
    address = f"/api/v1/books/{alice.book_id}/chapters"
    chapters = alice.get(address).json()["chapters"]
    assert [(chapter["title"], chapter["slug"]) for chapter in chapters] == [
        ("One", "one"),
        ("One", "one-2"),
        ("Two", "two"),
    ]
    assert all("pages" not in chapter for chapter in chapters)
    assert alice.request("DELETE", f"{address}/{ids[0]}").status_code == 204
    assert alice.get(f"{address}/{ids[0]}").status_code == 404
    assert alice.get(f"{address}/{ids[0]}/pages/1/image").status_code == 404
    assert [chapter["title"] for chapter in alice.get(address).json()["chapters"]] == ["One", "One"]


def test_the_list_of_jobs_is_walked_from_the_newest_to_the_oldest(alice: Client) -> None:
    jobs = [alice.submit(photo_pdf()) for _ in range(5)]
    for job_id in jobs:
        alice.end_of(job_id)
    seen, cursor = [], ""
    while True:
        page = alice.get(f"/api/v1/books/jobs?limit=2{cursor}").json()
        assert list(page) == ["jobs", "next_cursor"] and len(page["jobs"]) <= 2
        seen += [job["job_id"] for job in page["jobs"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == jobs[::-1]
    assert len(alice.get("/api/v1/books/jobs?status=completed").json()["jobs"]) == 5
    assert alice.get("/api/v1/books/jobs?status=failed").json()["jobs"] == []
    assert alice.get("/api/v1/books/jobs?book_id=other").json()["jobs"] == []


def test_a_form_with_the_pdf_in_it_makes_upload_and_job_at_once(alice: Client) -> None:
    response = alice.post(
        f"/api/v1/books/{alice.book_id}/chapters/from-pdf",
        files={"file": ("photo.pdf", photo_pdf())},
        data={
            "title": "From a form",
            "slug": "form",
            "order_index": "3",
            "is_published": "false",
            "is_preview_free": "true",
        },
    )
    assert response.status_code == 202, response.text
    chapter = alice.chapter(alice.end_of(response.json()["job_id"]))
    shown = {
        key: chapter[key]
        for key in ("title", "slug", "order_index", "is_published", "is_preview_free", "parent_id")
    }
    assert shown == {
        "title": "From a form",
        "slug": "form",
        "order_index": 3,
        "is_published": False,
        "is_preview_free": True,
        "parent_id": None,
    }


def test_text_beyond_ascii_is_read_as_it_is_written(alice: Client) -> None:
    job = alice.end_of(alice.submit(text_pdf(1, first_line="Été à Orléans: café")))
    chapter = f"/api/v1/books/{alice.book_id}/chapters/{job['result']['chapter_id']}"
    page = alice.get(f"{chapter}/pages/1").json()
    assert page["text"].startswith("Été à Orléans: café\n")
    assert [word[4] for word in page["words"][:4]] == ["Été", "à", "Orléans:", "café"]


def test_health_responds_without_a_token_and_names_the_version(server: ServerProcess) -> None:
    health = ask(server, "GET", "/health").json()
    assert health["status"] == "ok" and health["version"]
    assert ask(server, "GET", "/health/ready").json() == {
        "status": "ready",
        "database": "ok",
        "storage": "ok",
        "renderers": "ok",
        "sandbox": sandbox.state("auto"),
    }
