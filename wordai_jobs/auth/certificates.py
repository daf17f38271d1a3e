"""Google's certificates, which verify tokens: fetched before they expire, kept if that fails."""

import json
import logging
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from google.auth.exceptions import TransportError
from google.auth.transport import Request, Response

from wordai_jobs.clock import uptime_s

CERTIFICATES_URL = (
    "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
)
# How often a fetch that has failed is repeated.
RETRY_S = 5
_TIMEOUT_S = 5
# How long requests wait for the first fetch; once it has taken longer, no request waits again.
_LONGEST_WAIT_S = 3
# Google's certificates hold for about six hours, and say so.
_USUAL_LIFETIME_S = 3600.0
_SHORTEST_LIFETIME_S = 60.0
_MAX_AGE = re.compile(r"max-age=(\d{1,9})")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Certificates by the id of their key, and how long they hold."""

    certificates: Mapping[str, str]
    lifetime_s: float


def fetch() -> Fetched:
    """Raises OSError or ValueError if Google cannot be reached or sends something else."""
    response = requests.get(CERTIFICATES_URL, timeout=_TIMEOUT_S)
    response.raise_for_status()
    certificates = response.json()
    if not isinstance(certificates, dict) or not certificates:
        raise ValueError("the response has no certificates")
    max_age = _MAX_AGE.search(response.headers.get("Cache-Control", ""))
    lifetime_s = float(max_age[1]) if max_age else _USUAL_LIFETIME_S
    return Fetched(certificates, max(lifetime_s, _SHORTEST_LIFETIME_S))


class Certificates(Request):
    """Takes the place of the network for firebase-admin, which asks for the certificates with each
    token: it gets those that a thread keeps fresh. The first request starts the thread.
    """

    def __init__(
        self, fetch: Callable[[], Fetched] = fetch, now: Callable[[], float] = uptime_s
    ) -> None:
        """`now` is in seconds and goes on while the machine is suspended."""
        self._fetch = fetch
        self._now = now
        self._certificates: Mapping[str, str] = {}
        self._due_at = self._expires_at = -math.inf
        self._is_failing = False
        self._starting = threading.Lock()
        self._wait_until_s: float | None = None
        self._has_tried = threading.Event()

    def __call__(self, url: str, *args: Any, **kwargs: Any) -> Response:
        """The certificates; raises TransportError, as it has to, if there are none."""
        if url != CERTIFICATES_URL:
            raise _unavailable(f"{url} is not the address of Google's certificates")
        if not self._certificates:
            self._wait_for_first_fetch()
        if not self._certificates:
            raise _unavailable("there are no certificates")
        return _CertificatesResponse(json.dumps(self._certificates).encode())

    def may_lack(self, key_id: str) -> bool:
        """Whether the key is unknown but may be genuine: Google may have made it since the
        certificates should have been fetched again.
        """
        is_outdated = self._now() >= self._expires_at
        return bool(self._certificates) and is_outdated and key_id not in self._certificates

    def refresh(self) -> None:
        """Fetch the certificates if half of their time is over."""
        if self._now() < self._due_at:
            return
        try:
            fetched = self._fetch()
        except Exception as error:  # whatever it is, the thread must go on
            self._failed(error)
        else:
            self._certificates = fetched.certificates
            self._due_at = self._now() + fetched.lifetime_s / 2
            self._expires_at = self._now() + fetched.lifetime_s
            if self._is_failing:
                logger.info("Google's certificates can be fetched again")
            self._is_failing = False
        self._has_tried.set()

    def _failed(self, error: Exception) -> None:
        if not self._is_failing:
            so = "the last ones are used" if self._certificates else "no token can be verified"
            logger.error("Google's certificates cannot be fetched, so %s: %s", so, error)
        self._is_failing = True

    def _wait_for_first_fetch(self) -> None:
        with self._starting:
            if self._wait_until_s is None:
                self._wait_until_s = time.monotonic() + _LONGEST_WAIT_S
                threading.Thread(target=self._keep_fresh, name="certificates", daemon=True).start()
        self._has_tried.wait(max(0, self._wait_until_s - time.monotonic()))

    def _keep_fresh(self) -> None:
        while True:
            self.refresh()
            time.sleep(RETRY_S)


class _CertificatesResponse(Response):
    """Like the one that Google sends."""

    status = 200
    headers: Mapping[str, str] = {}
    data = b""

    def __init__(self, data: bytes) -> None:
        self.data = data


def _unavailable(reason: str) -> TransportError:
    return TransportError(reason)  # type: ignore[no-untyped-call]
