"""One request and its response: the token, time limits, errors as exceptions, and safe retries."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from wordai_jobs.client.backoff import Backoff
from wordai_jobs.client.errors import (
    Busy,
    ClientError,
    NotAuthenticated,
    ServerFault,
    Unreachable,
    error_for,
)

Token = str | Callable[[], str]
# Called with the error of a failed try, and the seconds until the next.
OnTrouble = Callable[[ClientError, float], None]

_CONNECT_TIMEOUT_S = 5.0
# The response to an upload comes after its pages are counted, which waits for other uploads.
_READ_TIMEOUT_S = 60.0
_BLOCK_BYTES = 1024 * 1024


class Transport:
    """Requests to one server with one user's token."""

    def __init__(
        self, server_url: str, token: Token | None, patience_s: float, on_trouble: OnTrouble | None
    ) -> None:
        self.server_url = _checked(server_url)
        self._patience_s = patience_s
        self.on_trouble = on_trouble or (lambda error, pause_s: None)
        self._session = requests.Session()
        # Not a plain header: requests would replace it with a password from ~/.netrc.
        self._session.auth = _Bearer(token) if token else _NoAuth()
        self._has_responded = False

    def close(self) -> None:
        self._session.close()

    def once(
        self, method: str, path: str, timeout_s: float = _READ_TIMEOUT_S, **options: Any
    ) -> requests.Response:
        """One try, given up after `timeout_s` of silence.

        Returns responses below 300 and 304; raises ClientError for all others, and for none.
        Redirects are errors unless `options` have `allow_redirects`; to another server they are
        followed without the token.
        """
        options.setdefault("allow_redirects", False)
        try:
            response = self._session.request(
                method,
                self.server_url + path,
                timeout=(_CONNECT_TIMEOUT_S, timeout_s),
                **options,
            )
        except requests.RequestException as error:
            raise Unreachable(
                f"The server at {self.server_url} cannot be reached: {_why(error)}"
            ) from error
        self._has_responded = True
        if response.status_code < 300 or response.status_code == 304:
            return response
        raise error_for(response.status_code, _detail(response), retry_after_s(response))

    def blocks(self, response: requests.Response) -> Iterator[bytes]:
        """The body of a response that was requested with `stream`."""
        try:
            yield from response.iter_content(_BLOCK_BYTES)
        except requests.RequestException as error:
            raise Unreachable(f"The download has broken off: {_why(error)}") from error

    def send(
        self, method: str, path: str, *, is_repeatable: bool, **options: Any
    ) -> requests.Response:
        """Like `once`, but tries again, for up to `patience_s` seconds, if that can do no harm.

        Busy means that the server has done nothing. After other failures it may still have done
        what was asked, so the request is only sent again if `is_repeatable`. A server that has
        never responded is not waited for.
        """
        backoff, give_up_at = Backoff(), time.monotonic() + self._patience_s
        while True:
            try:
                return self.once(method, path, **_fresh(options))
            except (Busy, ServerFault, Unreachable) as error:
                pause_s = backoff.pause_s(error.retry_after_s)
                is_safe = isinstance(error, Busy) or (is_repeatable and self._has_responded)
                if not is_safe or time.monotonic() + pause_s > give_up_at:
                    raise
                self.on_trouble(error, pause_s)
                time.sleep(pause_s)


class _Bearer(AuthBase):
    def __init__(self, token: Token) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = self._token if isinstance(self._token, str) else self._token()
        if not (token.isascii() and token.isprintable()):
            raise NotAuthenticated("The token contains characters that tokens cannot have")
        request.headers["Authorization"] = f"Bearer {token}"
        return request


class _NoAuth(AuthBase):
    """Keeps requests from looking for a password in ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def retry_after_s(response: requests.Response) -> float | None:
    """The seconds of Retry-After. None without one, or for a date: the service sends none."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdecimal() else None


def json_of(response: requests.Response) -> dict[str, Any]:
    """The JSON object in a response; raises ServerFault if it is not from this service."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ServerFault(f"The server at {response.url} is not wordai_jobs", response.status_code)
    return body


def _fresh(options: dict[str, Any]) -> dict[str, Any]:
    """The options, with a new body if it is a function: a body is used up when it is sent."""
    make_body = options.get("data")
    if not callable(make_body):
        return options
    body = make_body()
    return {
        **options,
        "data": body,
        "headers": {**options.get("headers", {}), "Content-Type": body.content_type},
    }


def _checked(server_url: str) -> str:
    parts = urlsplit(server_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"{server_url!r} is not the address of a server, such as https://wordai.example"
        )
    return server_url.rstrip("/")


def _detail(response: requests.Response) -> str:
    """The server's own message, or the status if something else has responded, such as a proxy."""
    location = response.headers.get("Location")
    if response.status_code < 400 and location:
        return f"The server is elsewhere: use the address {location}"
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = None
    return detail if isinstance(detail, str) else f"HTTP {response.status_code} {response.reason}"


def _why(error: requests.RequestException) -> str:
    """The cause in a few words: the messages of requests contain addresses of objects."""
    if isinstance(error, requests.Timeout):
        return "no response in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not valid here"
    cause: BaseException | None = error
    while cause is not None:
        if (
            isinstance(cause, OSError)
            and cause.strerror
            and not isinstance(cause, requests.RequestException)
        ):
            return cause.strerror
        reason = getattr(cause, "reason", None)  # urllib3's MaxRetryError keeps its cause there
        cause = (
            reason if isinstance(reason, BaseException) else cause.__cause__ or cause.__context__
        )
    return "the connection was closed"
