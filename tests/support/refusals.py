"""What a refused request gets, and pages of another origin that send such requests."""

from uuid import uuid4

import requests

from tests.support.client import Client

ORIGIN = "https://app.example"


def user_at_origin(url: str) -> Client:
    """A new user, whose requests come from a page of this origin; the server must allow that."""
    client = Client(url, f"user-{uuid4().hex[:8]}")
    client.session.headers["Origin"] = ORIGIN
    return client


def check_refused(response: requests.Response, status: int, message: str) -> None:
    assert response.status_code == status, response.text
    assert list(response.json()) == ["detail"], response.text
    assert message in response.json()["detail"], response.text
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.headers["X-Request-ID"]
    assert response.headers["Content-Type"] == "application/json"
