"""/docs in a real browser: it can be read and tried, and loads nothing from other servers."""

from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.support.client import Client
from tests.support.server import ServerProcess


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
