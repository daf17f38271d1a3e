"""What a page of Chromium asks the network for."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

# As slow as browsers need to call it slow, and as fast as a test can bear.
_SLOW = {
    "offline": False,
    "latency": 300,
    "downloadThroughput": 200_000,
    "uploadThroughput": 200_000,
    "connectionType": "cellular3g",
}


@dataclass(slots=True)
class Request:
    path: str
    query: str
    bytes: int = 0


class Traffic:
    """What was asked for and was not in the browser's cache; `finished` in the order of its end."""

    def __init__(self, page: Page) -> None:
        self._requests: dict[str, Request] = {}
        self.finished: list[Request] = []
        self._session = session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", self._begin)
        session.on("Network.requestServedFromCache", self._drop)
        session.on("Network.responseReceived", self._receive)
        session.on("Network.loadingFinished", self._finish)

    @property
    def asked(self) -> list[str]:
        return [request.path for request in self._requests.values()]

    @property
    def queries(self) -> list[str]:
        return [request.query for request in self._requests.values()]

    @property
    def kilobytes(self) -> float:
        """Of all responses so far, with their headers."""
        return sum(request.bytes for request in self.finished) / 1000

    def slow_down(self) -> None:
        self._session.send("Network.emulateNetworkConditions", _SLOW)

    def forget(self) -> None:
        self._requests.clear()
        self.finished.clear()

    def _begin(self, event: dict[str, Any]) -> None:
        url = urlsplit(event["request"]["url"])
        if url.scheme in ("http", "https"):
            self._requests[event["requestId"]] = Request(url.path, url.query)

    def _drop(self, event: dict[str, Any]) -> None:
        self._requests.pop(event["requestId"], None)

    def _receive(self, event: dict[str, Any]) -> None:
        if event["response"].get("fromDiskCache"):
            self._drop(event)

    def _finish(self, event: dict[str, Any]) -> None:
        request = self._requests.get(event["requestId"])
        if request:
            request.bytes = int(event["encodedDataLength"])
            self.finished.append(request)
