"""Two origins: each response names the right one, and no header is sent twice."""

from collections.abc import Iterator

import pytest
import requests

from tests.support.server import ServerProcess

ORIGINS = ["https://app.example", "http://localhost:3000"]


@pytest.fixture(scope="module")
def two_origins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("two-origins")
    running = ServerProcess(folder, {"cors.origins": ORIGINS}).start()
    yield running
    assert running.stop() == 0, running.log[-3000:]


@pytest.mark.parametrize("origin", [*ORIGINS, None, "https://stranger.example"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
@pytest.mark.parametrize("path", ["/health", "/api/v1/books/jobs/no-such-job", "/nowhere"])
def test_a_response_names_the_origin_that_asked_once_or_none(
    two_origins: ServerProcess,
    path: str,
    method: str,
    origin: str | None,
) -> None:
    headers = {"Access-Control-Request-Method": "GET", **({"Origin": origin} if origin else {})}
    response = requests.request(method, two_origins.url + path, headers=headers, timeout=30)
    names = sorted(name.lower() for name, _ in response.raw.headers.items())
    assert names == sorted(set(names)), "a header was sent twice"
    assert response.headers.get("Access-Control-Allow-Origin") == (
        origin if origin in ORIGINS else None
    )
    assert response.headers["Vary"] == "Origin"
