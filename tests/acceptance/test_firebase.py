"""Mode firebase from sign-up to reading, through nginx, with tokens of Firebase's own emulator."""

from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.support.client import Client
from tests.support.emulator import PROJECT, FirebaseEmulator
from tests.support.leftovers import check_end
from tests.support.nginx import Nginx, nginx_before
from tests.support.pdfs import text_pdf
from tests.support.server import ServerProcess
from tests.support.visitor import Visitor

pytestmark = pytest.mark.long_file(20)

ORIGIN = "https://app.example"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirebaseEmulator]:
    with FirebaseEmulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(scope="module")
def front(emulator: FirebaseEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """nginx in front of a server in mode firebase."""
    settings = {
        "auth.mode": "firebase",
        "auth.firebase_project_id": PROJECT,
        "cors.origins": [ORIGIN],
        "auth.firebase_web_config": {
            "apiKey": "any",
            "projectId": PROJECT,
            "authDomain": f"{PROJECT}.firebaseapp.com",
        },
    }
    folder = tmp_path_factory.mktemp("firebase")
    server = ServerProcess(folder, settings, emulator.environment).start()
    with nginx_before(server.port, tmp_path_factory.mktemp("nginx"), [ORIGIN]) as nginx:
        yield nginx
    assert server.stop() == 0, server.log[-3000:]


def test_a_user_who_signs_up_uploads_polls_and_reads_and_nobody_else_does(
    emulator: FirebaseEmulator, front: Nginx
) -> None:
    alice_id, alice_token = emulator.sign_up("alice@reader.example")
    alice = Client(front.url, alice_id, alice_token)
    job = alice.end_of(alice.submit(text_pdf(3)))
    assert (job["status"], job["user_id"]) == ("completed", alice_id)
    check_end(alice, job)

    bob_id, bob_token = emulator.sign_up("bob@reader.example")
    assert bob_id != alice_id
    refused = Client(front.url, bob_id, bob_token).get(f"/api/v1/books/jobs/{job['job_id']}")
    assert (refused.status_code, refused.json()) == (403, {"detail": "Access denied to this job"})


def test_dev_tokens_are_neither_accepted_nor_given_out(front: Nginx, server: ServerProcess) -> None:
    dev_token = Client(server.url, "alice").session.headers["Authorization"]
    headers = {"Authorization": str(dev_token), "Origin": ORIGIN}
    refused = requests.get(f"{front.url}/api/v1/books", headers=headers, timeout=30)
    assert refused.status_code == 401
    assert refused.json() == {"detail": "Could not validate credentials"}
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN
    asked = requests.post(f"{front.url}/dev/token", json={"user_id": "alice"}, timeout=30)
    assert asked.status_code == 404


def test_a_user_signs_up_in_the_app_and_is_still_signed_in_after_a_reload(
    front: Nginx, browser: Browser
) -> None:
    visitor = Visitor(browser, front.url)
    page = visitor.page
    page.get_by_label("Email").fill("carol@reader.example")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Create an account").click()
    expect(page.locator("#account-name")).to_have_text("carol@reader.example", timeout=60_000)
    job = visitor.submit(text_pdf(3), title="Of Carol")
    visitor.wait_for_state(job, "completed")
    page.reload()
    expect(page.locator(".job")).to_contain_text("Of Carol", timeout=60_000)

    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Email").fill("carol@reader.example")
    page.get_by_label("Password").fill("wrong horse")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text(
        "The email or the password is wrong.", timeout=60_000
    )
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".job")).to_contain_text("Of Carol", timeout=60_000)
    visitor.close()
