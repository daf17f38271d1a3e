"""/docs in a real browser: it can be read and tried, and loads nothing from other servers."""

from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.integration.test_documentation import ADDRESS, program
from tests.support.axe import require_axe, violations
from tests.support.client import Client
from tests.support.pdfs import text_pdf
from tests.support.server import ROOT, ServerProcess
from tests.support.waiting import wait_until

INPUT = "<input type=file>"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """In a browser with no history."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_a_call_is_made_with_a_token_and_nothing_comes_from_elsewhere(
    page: Page, server: ServerProcess, alice: Client
) -> None:
    complaints: list[str] = []
    addresses: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(f"{server.url}/docs")
    page.get_by_text("Authentication", exact=True).first.click()
    token = str(alice.session.headers["Authorization"]).removeprefix("Bearer ")
    page.get_by_placeholder("api-token").fill(token)
    page.get_by_role("button", name="Set").click()
    page.get_by_text("Create a book").first.click()
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("Response Status: Created (201)")).to_be_visible(timeout=30_000)
    books = alice.get("/api/v1/books").json()["books"]
    assert [book["title"] for book in books] == ["MuPDF Explored"]
    assert complaints == []
    assert [address for address in addresses if not address.startswith(f"{server.url}/")] == []


def test_the_page_runs_no_script_but_its_own(server: ServerProcess) -> None:
    policy = requests.get(f"{server.url}/docs", timeout=10).headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert requests.get(f"{server.url}/docs/..%2findex.html", timeout=10).status_code == 404


def test_in_mode_dev_a_button_gets_a_token_for_all_requests(
    page: Page, server: ServerProcess
) -> None:
    page.goto(f"{server.url}/docs")
    page.get_by_role("textbox", name="User").fill("dora")
    page.get_by_role("button", name="Get a token").click()
    expect(page.get_by_text("Requests are sent as dora")).to_be_visible()
    page.get_by_text("Create a book").first.click()
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("Response Status: Created (201)")).to_be_visible(timeout=30_000)
    dora = Client(server.url, "dora")
    assert [book["title"] for book in dora.get("/api/v1/books").json()["books"]]


def test_the_groups_come_in_order_with_samples_that_send_the_token(
    page: Page, server: ServerProcess
) -> None:
    document = requests.get(f"{server.url}/openapi.json", timeout=10).json()
    order = [tag["name"] for tag in document["tags"]]
    assert order == ["files", "books", "jobs", "chapters", "operations"]
    groups = [
        (operation["tags"][0], operation["x-code-samples"][0]["source"], operation["security"])
        for path in document["paths"].values()
        for operation in path.values()
    ]
    assert [name for name, _, _ in groups] == sorted(
        (name for name, _, _ in groups), key=order.index
    )
    assert all("Authorization: Bearer" in it or {"bearer": []} not in s for _, it, s in groups)
    page.goto(f"{server.url}/docs")
    page.get_by_text("Create a book").first.click()
    expect(page.get_by_text('-H "Authorization: Bearer $TOKEN"').first).to_be_visible()


def test_everything_on_the_page_can_be_read(page: Page, server: ServerProcess) -> None:
    require_axe()
    page.goto(f"{server.url}/docs")
    page.get_by_text("Create a book").first.click()
    expect(page.get_by_role("button", name="Execute")).to_be_visible()
    assert violations(page) == []


def test_the_example_in_javascript_runs_in_a_web_page(page: Page, server: ServerProcess) -> None:
    code = program(ROOT / "docs" / "api.md", "js", {ADDRESS: server.url})
    page.route("**/example", lambda route: route.fulfill(content_type="text/html", body=INPUT))
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(f"failed: {error}"))
    page.goto(f"{server.url}/example")
    pdf = {"name": "book.pdf", "mimeType": "application/pdf", "buffer": text_pdf(2)}
    page.locator("input").set_input_files(pdf)  # type: ignore[arg-type]
    page.add_script_tag(content=code, type="module")
    wait_until(
        lambda: page.evaluate("1") and any("pages/2/image" in line for line in said), 30, str(said)
    )
    assert not [line for line in said if line.startswith("failed")], said
