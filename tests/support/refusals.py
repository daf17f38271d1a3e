"""What a refused request gets."""

import requests


def check_refused(response: requests.Response, status: int, message: str) -> None:
    assert response.status_code == status, response.text
    assert list(response.json()) == ["detail"], response.text
    assert message in response.json()["detail"], response.text
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert response.headers["X-Request-ID"]
    assert response.headers["Content-Type"] == "application/json"
