"""What a web page can read if nginx and the application are on another origin, or down."""

import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.acceptance.conftest import OpenPage
from tests.conftest import StartServer
from tests.support.backends import absent, silent
from tests.support.client import Client, Json
from tests.support.held import no_page_rendered
from tests.support.nginx import Nginx, nginx_before, nginx_with_tls_before
from tests.support.pdfs import text_pdf
from tests.support.server import ServerProcess
from tests.support.sites import Site
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long_file(80)

TOO_LARGE = "The upload is larger than the limit of 100 MB"
DOWN = "The service is restarting or down, try again in a moment"
PAGES = 3
USER = "reader"
JOB = "/api/v1/books/jobs/some-job"
MB = 1024 * 1024


@dataclass(frozen=True)
class Service:
    """The application behind nginx, which allows the site's pages."""

    server: ServerProcess
    nginx: Nginx

    @property
    def url(self) -> str:
        return self.nginx.url


@pytest.fixture
def service(start_server: StartServer, tmp_path: Path, site: Site) -> Iterator[Service]:
    settings = {"cors.origins": [site.origin], "jobs.shutdown_grace_s": 120}
    server = start_server(settings).wait_until_ready()
    with nginx_before(server.port, tmp_path / "nginx", [site.origin]) as nginx:
        yield Service(server, nginx)


@pytest.fixture(scope="module")
def away(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """nginx without an application behind it."""
    with (
        absent() as port,
        nginx_before(port, tmp_path_factory.mktemp("away"), [site.origin]) as nginx,
    ):
        yield nginx


def ask(page: Page, url: str, **options: Any) -> Json:
    """What the web page can read of a response."""
    response: Json = page.evaluate("([url, options]) => ask(url, options)", [url, options])
    return response


def upload(page: Page, service: Service, token: str) -> Json:
    pdf = text_pdf(PAGES)
    page.set_input_files(
        "input", {"name": "book.pdf", "mimeType": "application/pdf", "buffer": pdf}
    )
    uploaded: Json = page.evaluate("([api, token]) => upload(api, token)", [service.url, token])
    return uploaded


def follow(page: Page, service: Service, token: str, job_id: str) -> None:
    """Makes the web page poll, and returns after its first poll."""
    call = "([api, token, jobId]) => follow(api, token, jobId)"
    page.evaluate(call, [service.url, token, job_id])
    page.wait_for_function("jobId => seen.jobs.some(job => job.job_id === jobId)", arg=job_id)


def outcome(page: Page) -> Json:
    """How polling ended, as the web page saw it."""
    page.wait_for_function("seen.outcome !== null", timeout=120_000)
    ended: Json = page.evaluate("seen.outcome")
    return ended


def sign_in(page: Page, service: Service) -> str:
    response = ask(page, f"{service.url}/dev/token", method="POST", json={"user_id": USER})
    token: str = response["body"]["token"]
    return token


def upload_and_follow(page: Page, service: Service, token: str) -> Json:
    """As `upload`; returns once the pages are to be rendered."""
    uploaded = upload(page, service, token)
    follow(page, service, token, uploaded["jobId"])
    watcher = Client(service.server.url, USER)
    wait_until(lambda: watcher.job(uploaded["jobId"])["progress"] >= 30, what="a job that renders")
    return uploaded


def check_read(page: Page, service: Service, token: str, job: Json, book_id: str) -> None:
    """The web page can read the finished chapter."""
    assert job["status"] == "completed" and job["result"]["total_pages"] == PAGES
    path = f"/api/v1/books/{book_id}/chapters/{job['result']['chapter_id']}"
    chapter = ask(page, service.url + path, token=token)
    assert len(chapter["body"]["pages"]) == PAGES


def check_readable(response: Json, status: int, detail: str, retry_after: str | None) -> None:
    assert response.get("status") == status, response
    assert response["body"] == {"detail": detail} and response["retryAfter"] == retry_after
    assert re.fullmatch("[0-9a-f]{32}", response["requestId"])


def test_a_page_polls_on_while_the_application_is_killed_and_its_retry_completes(
    service: Service, site: Site, open_page: OpenPage
) -> None:
    page = open_page(site)
    token = sign_in(page, service)
    with no_page_rendered(service.server):
        uploaded = upload_and_follow(page, service, token)
        service.server.kill()
    job_id = uploaded["jobId"]

    # The path is new to the browser, so a preflight comes first.
    path = f"/api/v1/books/jobs/{job_id}/pages"
    check_readable(ask(page, service.url + path, token=token), 502, DOWN, "2")
    service.nginx.wait_until_logged(f'"OPTIONS {path}" HTTP/1.1 204 .* upstream 502 ')
    page.wait_for_function(
        "down => seen.problems.some(({status, message}) => status === 502 && message === down)",
        arg=DOWN,
    )
    assert page.evaluate("seen.outcome") is None

    service.server.start()
    assert outcome(page) == {"rejected": "Server restarted while the job was running"}
    last_seen = page.evaluate("seen.jobs.at(-1)")
    assert last_seen["status"] == "failed"
    assert last_seen["error"] == "Server restarted while the job was running"

    retry = f"{service.url}/api/v1/books/jobs/{job_id}/retry"
    retried = ask(page, retry, method="POST", token=token)
    assert retried["status"] == 202 and retried["body"]["job_id"] != job_id
    follow(page, service, token, retried["body"]["job_id"])
    check_read(page, service, token, outcome(page), uploaded["bookId"])
    assert page.evaluate("seen.errors") == []


def test_a_regular_restart_goes_unnoticed_by_a_page_that_polls(
    service: Service, site: Site, open_page: OpenPage
) -> None:
    page = open_page(site)
    token = sign_in(page, service)
    assert service.server.process
    with no_page_rendered(service.server):
        uploaded = upload_and_follow(page, service, token)
        service.server.process.send_signal(signal.SIGTERM)
    assert service.server.process.wait(120) == 0
    check_readable(ask(page, f"{service.url}/api/v1/books", token=token), 502, DOWN, "2")
    service.server.start()

    check_read(page, service, token, outcome(page), uploaded["bookId"])
    assert page.evaluate("seen.errors") == []
    assert set(page.evaluate("seen.problems.map(({status}) => status)")) <= {502}


def test_a_page_of_an_origin_that_is_not_configured_can_read_nothing(
    server: ServerProcess, site: Site, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(site)
    allowed = ["https://app.example"]
    with (
        absent() as nobody,
        nginx_before(server.port, tmp_path / "alive", allowed) as alive,
        nginx_before(nobody, tmp_path / "away", allowed) as away,
    ):
        urls = [
            f"{alive.url}/health",
            f"{alive.url}/api/v1/books",
            f"{alive.url}/nowhere",
            f"{alive.url}/metrics",
            f"{away.url}/health",
        ]
        for url in urls:
            assert "rejected" in ask(page, url), url
            assert "rejected" in ask(page, url, token="a-token"), url
            assert "rejected" in ask(page, url, method="POST", json={"user_id": USER}), url
        client = f"{alive.url}/static/poll-job.js"
        assert "TypeError" in page.evaluate("url => import(url).catch(String)", client)
        # The server did respond. The web page could not read it.
        alive.wait_until_logged('"GET /health" HTTP/1.1 200 ')


def test_an_upload_that_nginx_refuses_can_be_read(
    away: Nginx, site: Site, open_page: OpenPage
) -> None:
    url = f"{away.url}/api/v1/files"
    response = ask(open_page(site), url, method="POST", token="a-token", size=102 * MB)
    check_readable(response, 413, TOO_LARGE, None)


def test_over_tls_which_is_http_2_a_page_can_read_the_same(
    site: Site, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(site)
    with absent() as port, nginx_with_tls_before(port, tmp_path, [site.origin]) as nginx:
        check_readable(ask(page, nginx.url + JOB, token="a-token"), 502, DOWN, "2")
        url = f"{nginx.url}/api/v1/files"
        large = ask(page, url, method="POST", token="a-token", size=102 * MB)
        check_readable(large, 413, TOO_LARGE, None)
        nginx.wait_until_logged('"POST /api/v1/files" HTTP/2.0 413 ')


def test_a_page_that_asks_too_often_can_read_that(
    site: Site, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(site)
    # A new address each time, so that a preflight comes before each, and is refused as well.
    flood = """async url => (await Promise.all(
        Array.from({length: 300}, () => ask(`${url}/${crypto.randomUUID()}`, {token: "a-token"})))
    ).filter(({status}) => status !== 502)"""
    with absent() as port, nginx_before(port, tmp_path, [site.origin]) as nginx:
        refused = next(filter(None, (page.evaluate(flood, nginx.url) for _ in range(10))))
    for response in refused:
        check_readable(response, 429, "Too many requests, try again in a moment", "1")


def test_a_slow_application_can_be_told_from_one_that_is_down(
    site: Site, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(site)
    soon = {"proxy_read_timeout 60s;": "proxy_read_timeout 1s;"}
    with silent() as port, nginx_before(port, tmp_path, [site.origin], soon) as nginx:
        response = ask(page, nginx.url + JOB, token="a-token")
    check_readable(response, 504, "The service took too long to answer, try again in a moment", "2")
