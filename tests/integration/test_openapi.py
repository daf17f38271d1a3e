"""The document at /openapi.json is OpenAPI 3.1, describes every endpoint, and is true."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.support.client import Client
from tests.support.openapi import Contract
from tests.support.pdfs import encrypted_pdf, guided_pdf, text_pdf
from tests.support.server import ServerProcess
from wordai_jobs.app import create_app
from wordai_jobs.config import parse_config
from wordai_jobs.web.error_responses import REFUSED_KEY
from wordai_jobs.web.openapi.document import build

# The table of endpoints that clients rely on.
ENDPOINTS = [
    "POST /api/v1/files",
    "GET /api/v1/files/{file_id}",
    "GET /api/v1/files/{file_id}/outline",
    "GET /api/v1/files/{file_id}/content",
    "POST /api/v1/books",
    "GET /api/v1/books",
    "GET /api/v1/books/{book_id}",
    "PATCH /api/v1/books/{book_id}",
    "DELETE /api/v1/books/{book_id}",
    "POST /api/v1/books/{book_id}/chapters/from-pdf",
    "POST /api/v1/books/{book_id}/chapters/from-outline",
    "GET /api/v1/books/jobs/{job_id}",
    "GET /api/v1/books/jobs/{job_id}/pages",
    "GET /api/v1/books/jobs",
    "POST /api/v1/books/jobs/{job_id}/cancel",
    "POST /api/v1/books/jobs/{job_id}/retry",
    "GET /api/v1/books/{book_id}/chapters",
    "GET /api/v1/books/{book_id}/chapters/{chapter_id}",
    "GET /api/v1/books/{book_id}/chapters/{chapter_id}/pages/{n}",
    "GET /api/v1/books/{book_id}/chapters/{chapter_id}/pages/{n}/image",
    "GET /api/v1/books/{book_id}/chapters/{chapter_id}/pages/{n}/thumbnail",
    "PATCH /api/v1/books/{book_id}/chapters/{chapter_id}",
    "DELETE /api/v1/books/{book_id}/chapters/{chapter_id}",
    "GET /api/v1/books/{book_id}/chapters/{chapter_id}/text",
    "GET /api/v1/search",
    "PUT /api/v1/books/{book_id}/chapters/{chapter_id}/position",
    "GET /api/v1/reading",
    "GET /health",
    "HEAD /health",
    "GET /health/ready",
    "GET /metrics",
    "GET /openapi.json",
    "GET /docs",
    "GET /",
    "POST /dev/token",
]


@pytest.fixture(scope="module")
def contract(server: ServerProcess) -> Contract:
    return Contract(server.url)


def test_the_document_is_valid_openapi_3_1(contract: Contract) -> None:
    assert contract.document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(contract.document).validate()


def test_every_endpoint_that_clients_rely_on_is_described(contract: Contract) -> None:
    described = {f"{method.upper()} {path}" for path, method, _ in contract.operations()}
    assert described >= set(ENDPOINTS)


def test_every_route_of_the_application_is_described_and_no_other(tmp_path: Path) -> None:
    app = create_app(parse_config({"storage": {"data_dir": str(tmp_path)}}))
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {
        (path, method.upper())
        for path, methods in build(app)["paths"].items()
        for method in methods
    }
    assert described - {("/health", "HEAD")} == routes


def test_a_route_that_does_not_describe_itself_is_noticed(tmp_path: Path) -> None:
    app = create_app(parse_config({"storage": {"data_dir": str(tmp_path)}}))
    app.add_url_rule("/secret", "secret", lambda: "")
    with pytest.raises(LookupError, match="/secret .* is not described"):
        build(app)


def test_tokens_from_anyone_are_described_in_mode_dev_only(tmp_path: Path) -> None:
    firebase = {"mode": "firebase", "firebase_project_id": "demo-project"}
    app = create_app(parse_config({"storage": {"data_dir": str(tmp_path)}, "auth": firebase}))
    assert "/dev/token" not in build(app)["paths"]


def test_every_response_and_every_json_body_has_an_example_that_fits(contract: Contract) -> None:
    for operation, content in _contents(contract):
        named = content.get("examples", {}).values()
        examples = [example["value"] for example in named] or [content.get("example")]
        assert examples != [None], f"{operation} has no example"
        for example in examples:
            contract.check_body(content["schema"], example)


def _contents(contract: Contract) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, method, operation in contract.operations():
        described = [operation.get("requestBody", {}), *operation["responses"].values()]
        for part in described:
            if "application/json" in part.get("content", {}):
                yield f"{method} {path}", part["content"]["application/json"]


def test_every_header_and_parameter_has_an_example_that_fits(contract: Contract) -> None:
    components = contract.document["components"]
    for part in (*components["headers"].values(), *components["parameters"].values()):
        contract.check_body(part["schema"], part["example"])


def test_every_field_of_a_query_has_an_example_that_fits(contract: Contract) -> None:
    fields = [
        part
        for _, _, operation in contract.operations()
        for part in operation["parameters"]
        if "$ref" not in part
    ]
    assert {field["name"] for field in fields} == {
        *("status", "book_id", "chapter_id", "limit", "cursor", "q")
    }
    for field in fields:
        contract.check_body(field["schema"], field["example"])


def test_every_error_is_a_detail_and_nothing_else(contract: Contract) -> None:
    for _, _, operation in contract.operations():
        for status, response in operation["responses"].items():
            if int(status) >= 400 and "content" in response:
                schema = contract.resolve(response["content"]["application/json"]["schema"])
                assert list(schema["properties"]) == schema["required"] == ["detail"]
                assert schema["additionalProperties"] is False
                assert "X-Request-ID" in response["headers"]


def test_every_operation_with_a_token_says_what_happens_if_it_cannot_be_checked(
    contract: Contract,
) -> None:
    for path, method, operation in contract.operations():
        if {"bearer": []} not in operation["security"]:
            continue
        described = operation["responses"]["503"]
        examples = described["content"]["application/json"]["examples"].values()
        details = [example["value"]["detail"] for example in examples]
        assert "Sign-in cannot be checked right now" in details, f"{method} {path}"
        assert len(details) == len(set(details)) and "Retry-After" in described["headers"]
        assert "401" in operation["responses"]


def test_real_responses_are_what_the_document_says(
    contract: Contract, alice: Client, bob: Client
) -> None:
    for response in _conversation(alice, bob):
        contract.check(response)


def _conversation(alice: Client, bob: Client) -> Iterator[requests.Response]:
    """One of every response that can be had without breaking the server."""
    book, pdf = f"/api/v1/books/{alice.book_id}", guided_pdf(5)
    yield from (
        alice.get(path)
        for path in ("/health", "/health/ready", "/metrics", "/openapi.json", "/docs")
    )
    yield alice.get("/")
    yield alice.request("HEAD", "/health")
    yield alice.post("/dev/token", json={"user_id": "somebody"})
    yield alice.post("/api/v1/books", json={"title": "Một cuốn sách"})
    yield alice.post("/api/v1/books", json={"title": 3})
    yield alice.post("/api/v1/books", data="{")
    yield from (
        alice.get(path)
        for path in ("/api/v1/books", book, f"{book}/chapters", "/api/v1/books/none")
    )
    yield bob.get(book)
    yield requests.get(alice.url + book, timeout=10)
    uploaded = alice.upload(pdf)
    yield uploaded
    yield from (alice.upload(broken) for broken in (b"", b"no pdf", encrypted_pdf()))
    yield alice.post("/api/v1/files", json={})
    file = f"/api/v1/files/{uploaded.json()['file_id']}"
    yield from (alice.get(path) for path in (file, f"{file}/outline", f"{file}/content"))
    yield from (
        alice.get(f"{file}/content", headers={"Range": part})
        for part in ("bytes=0-9", "bytes=99999999-")
    )
    yield from _of_a_job(alice, bob, uploaded.json()["file_id"])


def _of_a_job(alice: Client, bob: Client, file_id: str) -> Iterator[requests.Response]:
    address = f"/api/v1/books/{alice.book_id}/chapters/from-pdf"
    for _ in range(2):
        yield alice.post(
            address, json={"file_id": file_id, "title": "One"}, headers={"Idempotency-Key": file_id}
        )
    accepted = alice.post(
        address,
        data={"title": "Two"},
        files={"file": ("two.pdf", guided_pdf(5), "application/pdf")},
    )
    yield from (
        accepted,
        alice.post(address, json={"file_id": "none", "title": "Three"}),
        alice.enqueue(file_id, title=""),
    )
    parts = [{"title": f"Page {page}", "first_page": page, "last_page": page} for page in (1, 2)]
    outline = f"/api/v1/books/{alice.book_id}/chapters/from-outline"
    yield alice.post(outline, json={"file_id": file_id, "parts": parts})
    yield alice.post(outline, json={"file_id": file_id, "parts": []})
    job_id = accepted.json()["job_id"]
    job = f"/api/v1/books/jobs/{job_id}"
    yield from alice.responses(job_id)
    ended = alice.get(job)
    yield from (
        ended,
        alice.get(job, headers={"If-None-Match": ended.headers["ETag"]}),
        bob.get(job),
        alice.get(f"{job}x"),
    )
    yield from (alice.post(f"{job}/cancel"), alice.post(f"{job}/retry"), alice.get(f"{job}/pages"))
    yield from (
        alice.get(f"/api/v1/books/jobs?{query}")
        for query in ("", "limit=1", "status=failed", "limit=0", "cursor=x")
    )
    yield from _of_a_chapter(alice, bob, ended.json()["result"]["chapter_id"])


def _of_a_chapter(alice: Client, bob: Client, chapter_id: str) -> Iterator[requests.Response]:
    chapter = f"/api/v1/books/{alice.book_id}/chapters/{chapter_id}"
    yield from (
        alice.get(chapter),
        alice.get(f"{chapter}/pages/1"),
        alice.get(f"{chapter}/pages/9"),
        bob.get(chapter),
    )
    text = alice.get(f"{chapter}/text")
    known = {"If-None-Match": text.headers["ETag"]}
    yield from (
        text,
        alice.get(f"{chapter}/text", headers={"Accept": "application/json"}),
        alice.get(f"{chapter}/text", headers=known),
        bob.get(f"{chapter}/text"),
    )
    yield from (alice.get(f"/api/v1/search?{query}") for query in ("q=lorem&limit=1", "q=", "q=x"))
    yield alice.get(f"/api/v1/search?q=lorem&chapter_id={chapter_id}x")
    yield bob.get(f"/api/v1/search?q=lorem&chapter_id={chapter_id}")
    image = alice.get(f"{chapter}/pages/1/image")
    yield from (
        image,
        alice.get(f"{chapter}/pages/1/image", headers={"If-None-Match": image.headers["ETag"]}),
    )
    yield from (
        alice.get(f"{chapter}/pages/1/image", headers={"Range": part})
        for part in ("bytes=0-9", "bytes=99999999-")
    )
    yield alice.get(f"{chapter}/pages/1/thumbnail")
    yield requests.get(f"{alice.url}{chapter}/pages/1/image?expires=1&signature=1", timeout=10)
    yield from (
        alice.request("PATCH", chapter, json=changes)
        for changes in ({"title": "Three"}, {"slug": "one"}, {"parent_id": chapter_id}, {"x": 1})
    )
    yield from (
        alice.request("PUT", f"{chapter}/position", json={"page_number": number})
        for number in (1, 2)
    )
    yield from (alice.get("/api/v1/reading"), alice.get(chapter))
    book = f"/api/v1/books/{alice.book_id}"
    yield alice.get(f"{book}/chapters")
    yield from (alice.request("DELETE", chapter), alice.request("DELETE", chapter))
    yield from (alice.request("PATCH", book, json=json) for json in ({"title": "Four"}, {}))
    yield from (alice.request("DELETE", book), alice.request("DELETE", book))


def test_the_keys_of_a_body_come_in_the_order_of_the_contract(alice: Client) -> None:
    file = alice.upload(text_pdf(1)).json()
    assert list(file) == ["file_id", "filename", "size", "sha256", "page_count", "created_at"]
    book = alice.get(f"/api/v1/books/{alice.book_id}").json()
    assert list(book) == ["book_id", "title", "created_at", "updated_at"]
    job = alice.end_of(alice.enqueue(file["file_id"]).json()["job_id"])
    assert list(job) == [
        "job_id",
        "user_id",
        "status",
        "progress",
        "message",
        "result",
        "created_at",
        "updated_at",
        "completed_at",
    ]
    page = ["page_number", "background_url", "width", "height", "thumbnail_url"]
    shown = alice.get(f"/api/v1/books/jobs/{job['job_id']}/pages").json()
    assert list(shown) == ["total_pages", "pages"] and list(shown["pages"][0]) == page
    chapter = alice.chapter(job)
    assert list(chapter["pages"][0]) == [*page, "label", "elements"]
    address = f"/api/v1/books/{alice.book_id}/chapters/{chapter['chapter_id']}/pages/1"
    assert list(alice.get(address).json()) == [*page, "label", "text", "words", "links"]
    listed = alice.get(f"/api/v1/books/{alice.book_id}/chapters").json()["chapters"]
    assert list(chapter)[-3:] == ["file_id", "outline", "pages"]
    del chapter["file_id"], chapter["outline"], chapter["pages"]
    assert listed == [chapter] and list(listed[0]) == list(chapter)


@pytest.mark.parametrize("status", [400, 413, 431, 501, 507])
def test_what_the_http_server_refuses_has_the_shape_of_every_error(
    tmp_path: Path, status: int
) -> None:
    app = create_app(parse_config({"storage": {"data_dir": str(tmp_path)}}))
    response = app.test_client().get("/", environ_base={REFUSED_KEY: status})
    assert response.status_code == status and list(response.get_json()) == ["detail"]
