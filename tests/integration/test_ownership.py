"""Every endpoint, tried with another user's token and with none."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
import requests

from tests.support.client import Client, Json
from tests.support.endpoints import Endpoint, all_endpoints
from tests.support.leftovers import check_end
from tests.support.pdfs import photo_pdf
from tests.support.server import ServerProcess

GUARDED = [endpoint for endpoint in all_endpoints() if not endpoint.is_public]
ABOUT_A_THING = [endpoint for endpoint in GUARDED if endpoint.parameters]
# A search needs words: test_search.py has a test of its own.
OWN_LISTS = [
    endpoint
    for endpoint in GUARDED
    if not endpoint.parameters and endpoint.method == "GET" and endpoint.path != "/api/v1/search"
]


def name(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


@dataclass(frozen=True)
class Owned:
    """Things of one user."""

    owner: Client
    job: Json
    ids: dict[str, str]


@pytest.fixture(scope="module")
def owned(server: ServerProcess) -> Iterator[Owned]:
    owner = Client(server.url, f"owner-{uuid4().hex[:8]}")
    file_id = owner.upload(photo_pdf()).json()["file_id"]
    job = owner.end_of(owner.enqueue(file_id).json()["job_id"])
    chapter = f"/api/v1/books/{owner.book_id}/chapters/{job['result']['chapter_id']}"
    assert owner.request("PUT", f"{chapter}/position", json={"page_number": 1}).ok
    yield Owned(
        owner,
        job,
        {
            "book_id": owner.book_id,
            "chapter_id": job["result"]["chapter_id"],
            "job_id": job["job_id"],
            "file_id": file_id,
            "n": "1",
        },
    )
    check_end(owner, owner.job(job["job_id"]))
    assert owner.job(job["job_id"]) == job, "somebody else has changed it"
    assert owner.get(chapter).json()["title"] == "A chapter"


def test_there_are_endpoints_of_every_kind() -> None:
    assert len(ABOUT_A_THING) >= 16 and len(OWN_LISTS) >= 3
    assert {endpoint.method for endpoint in ABOUT_A_THING if endpoint.body} == {
        *("POST", "PATCH", "PUT")
    }


@pytest.mark.parametrize("endpoint", ABOUT_A_THING, ids=name)
def test_what_belongs_to_somebody_else_is_denied(
    owned: Owned, bob: Client, endpoint: Endpoint
) -> None:
    body = endpoint.body and {**endpoint.body, **_common(endpoint.body, owned.ids)}
    response = bob.request(endpoint.method, endpoint.address(owned.ids), json=body)
    kinds = {
        "job"
        if "job_id" in endpoint.parameters
        else "file"
        if "file_id" in endpoint.parameters
        else "book"
    }
    assert response.status_code == 403
    assert response.json() == {"detail": f"Access denied to this {kinds.pop()}"}


def _common(body: Json, ids: dict[str, str]) -> Json:
    return {name: ids[name] for name in body if name in ids}


@pytest.mark.parametrize("endpoint", OWN_LISTS, ids=name)
def test_lists_hold_what_is_the_callers_own(owned: Owned, bob: Client, endpoint: Endpoint) -> None:
    for client, is_shown in ((owned.owner, True), (bob, False)):
        response = client.get(endpoint.path)
        assert response.status_code == 200
        ids = (owned.ids["book_id"], owned.ids["job_id"])
        assert any(identifier in response.text for identifier in ids) is is_shown


@pytest.mark.parametrize("endpoint", GUARDED, ids=name)
@pytest.mark.parametrize(
    "token", [None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic YTpi", "Bearer \xe9"]
)
def test_nobody_is_let_in_without_a_token(
    owned: Owned, endpoint: Endpoint, token: str | None
) -> None:
    headers = {} if token is None else {"Authorization": token}
    response = requests.request(
        endpoint.method,
        owned.owner.url + endpoint.address(owned.ids),
        headers=headers,
        json={},
        timeout=10,
    )
    assert (response.status_code, response.json()) == (
        401,
        {"detail": "Could not validate credentials"},
    )
    assert response.headers["WWW-Authenticate"] == "Bearer" and response.headers["X-Request-ID"]


def test_somebody_elses_things_cannot_be_used_in_a_book_of_ones_own(
    owned: Owned, bob: Client
) -> None:
    theirs = bob.enqueue(owned.ids["file_id"])
    assert (theirs.status_code, theirs.json()) == (403, {"detail": "Access denied to this file"})
    own = bob.upload(photo_pdf()).json()["file_id"]
    below = bob.enqueue(own, parent_id=owned.ids["chapter_id"])
    chapter_id = owned.ids["chapter_id"]
    assert below.status_code == 404
    assert below.json() == {"detail": f"Chapter {chapter_id} not found"}
    address = f"/api/v1/books/{bob.book_id}/chapters/{chapter_id}"
    for part in ("", "/pages/1", "/pages/1/image", "/pages/1/thumbnail"):
        assert bob.get(address + part).status_code == 404
    assert bob.request("DELETE", address).status_code == 404


def test_a_signature_is_good_for_its_own_page_only(owned: Owned) -> None:
    page = owned.owner.chapter(owned.job)["pages"][0]
    address, _, signature = page["background_url"].partition("?")
    another = address.replace("/pages/1/", "/pages/2/")
    for tried in (
        f"{another}?{signature}",
        f"{page['thumbnail_url'].partition('?')[0]}?{signature}",
        f"{address}?{signature[:-1]}x",
        f"{address}?signature=&expires=",
    ):
        assert requests.get(owned.owner.url + tried, timeout=10).status_code == 401
