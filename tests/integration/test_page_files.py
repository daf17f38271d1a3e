"""The app's files over HTTP: their headers, what is not served, and what the app is told."""

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import StartServer
from tests.support.server import ROOT, ServerProcess
from wordai_jobs import __version__
from wordai_jobs.config import AuthSettings
from wordai_jobs.web.app_page import SignIn

STATIC = ROOT / "wordai_jobs" / "static"
# All but the documentation page and the libraries of others.
OURS = [
    STATIC / "poll-job.js",
    *(p for p in (STATIC / "app").rglob("*") if p.suffix in (".html", ".js", ".css")),
]
WEB_CONFIG = {"apiKey": "AIza", "authDomain": "books-1.firebaseapp.com", "projectId": "books-1"}


def directives(policy: str) -> dict[str, str]:
    return dict(part.split(" ", 1) for part in policy.split("; "))


def inline_script_source(page: str) -> str:
    """How a policy allows the page's only inline script."""
    [script] = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def test_the_page_forbids_whatever_it_does_not_need(server: ServerProcess) -> None:
    response = requests.get(f"{server.url}/", timeout=30)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = directives(response.headers["Content-Security-Policy"])
    assert policy == {
        "default-src": "'none'",
        "script-src": f"'self' {inline_script_source(response.text)}",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "frame-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-cache"


def test_the_page_has_one_inline_script_and_nothing_of_others() -> None:
    page = (STATIC / "app" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page) == ["{recovery}", ""]
    linked = {
        link
        for path in OURS
        for link in re.findall(r"https?://[^\s\"'`)]+", path.read_text(encoding="utf-8"))
    }
    assert {
        link for link in linked if not link.startswith(("https://books.example", "http://${"))
    } == set()


@pytest.mark.parametrize(
    "path",
    [
        "/static/package.json",
        "/static/app/index.html",
        "/static/nothing.js",
        "/static/../web/page.py",
        "/static/%2e%2e/config.py",
        "/static/vendor/firebase/LICENSE",
        "/static/",
        "/static/vendor",
        "/static/poll-job.js%00.js",
        "/static//etc/passwd.js",
    ],
)
def test_what_the_page_does_not_need_is_not_served(server: ServerProcess, path: str) -> None:
    response = requests.Session().send(_unchanged(server.url + path), timeout=30)
    assert response.status_code == 404 and list(response.json()) == ["detail"]


def test_every_file_that_the_page_names_is_there(server: ServerProcess) -> None:
    names = {
        name if name.startswith("/static/") else f"/static/{_relative(path.parent / name)}"
        for path in OURS
        for name in re.findall(
            r"(?:/static/|(?<=\")\.\.?/)[\w./-]+\.(?:js|css|svg)", path.read_text(encoding="utf-8")
        )
    }
    assert len(names) > 30
    for name in names:
        response = requests.get(f"{server.url}{name}", timeout=30)
        assert response.status_code == 200, name
        assert response.headers["Content-Type"].split(";")[0] in (
            "text/javascript",
            "text/css",
            "image/svg+xml",
        )


def test_a_file_that_has_not_changed_is_not_sent_again(server: ServerProcess) -> None:
    address = f"{server.url}/static/poll-job.js"
    first = requests.get(address, timeout=30)
    assert first.headers["Cache-Control"] == "no-cache"
    again = requests.get(address, headers={"If-None-Match": first.headers["ETag"]}, timeout=30)
    assert again.status_code == 304 and not again.content


def test_the_files_of_a_release_are_kept_and_those_of_another_are_not(
    server: ServerProcess,
) -> None:
    page = requests.get(f"{server.url}/", timeout=30)
    addresses = set(re.findall(r'"(/static/[^"]+)"', page.text))
    assert len(addresses) > 10
    for address in addresses:
        kept = requests.get(f"{server.url}{address}", timeout=30)
        assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable", address
    other = re.sub(r"release-\w+", "release-0123", addresses.pop())
    assert requests.get(f"{server.url}{other}", timeout=30).headers["Cache-Control"] == "no-cache"
    again = requests.get(
        f"{server.url}/", headers={"If-None-Match": page.headers["ETag"]}, timeout=30
    )
    assert again.status_code == 304 and "Content-Security-Policy" in again.headers


def test_the_polling_client_can_be_imported_by_pages_of_configured_origins_only(
    server: ServerProcess,
) -> None:
    address = f"{server.url}/static/poll-job.js"
    allowed = requests.get(address, headers={"Origin": "https://app.example"}, timeout=30)
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert allowed.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    refused = requests.get(address, headers={"Origin": "https://other.example"}, timeout=30)
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_the_page_is_told_how_to_sign_in(server: ServerProcess) -> None:
    assert told_to_the_page(server) == {
        "version": __version__,
        "max_upload_mb": 100,
        "max_stored_mb_per_user": 10_000,
        "auth": {"mode": "dev"},
    }


def test_in_mode_firebase_the_page_may_reach_what_signs_users_in(start_server: StartServer) -> None:
    settings = {"auth.mode": "firebase", "auth.firebase_project_id": "books-1"}
    server = start_server({**settings, "auth.firebase_web_config": WEB_CONFIG})
    assert told_to_the_page(server)["auth"] == {
        "mode": "firebase",
        "firebase": WEB_CONFIG,
        "emulator": None,
    }
    response = requests.get(f"{server.url}/", timeout=30)
    policy = directives(response.headers["Content-Security-Policy"])
    assert policy["connect-src"].split() == [
        "'self'",
        "https://identitytoolkit.googleapis.com",
        "https://securetoken.googleapis.com",
    ]
    own_script = inline_script_source(response.text)
    assert policy["script-src"] == f"'self' {own_script} https://apis.google.com"
    assert policy["frame-src"] == "https://books-1.firebaseapp.com"


def test_an_emulator_is_told_in_mode_firebase_alone() -> None:
    environ = {"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099"}
    settings = AuthSettings(
        mode="firebase", firebase_project_id="demo", firebase_web_config=WEB_CONFIG
    )
    firebase = SignIn.of(settings, environ)
    policy = firebase.content_security_policy("")
    assert dict(firebase.body)["emulator"] == "127.0.0.1:9099"
    assert "connect-src 'self' https://identitytoolkit.googleapis.com" in policy
    assert "http://127.0.0.1:9099" in policy and "apis.google.com" not in policy
    assert SignIn.of(AuthSettings(), environ).body == {"mode": "dev"}


def told_to_the_page(server: ServerProcess) -> dict[str, Any]:
    page = requests.get(f"{server.url}/", timeout=30).text
    [config] = re.findall(r'<meta name="app-config" content="([^"]*)">', page)
    told: dict[str, Any] = json.loads(html.unescape(config))
    return told


def _relative(path: Path) -> Path:
    return path.resolve().relative_to(STATIC)


def _unchanged(address: str) -> requests.PreparedRequest:
    """A request whose path is sent as it is written, dots and all."""
    prepared = requests.Request("GET", address).prepare()
    prepared.url = address
    return prepared
