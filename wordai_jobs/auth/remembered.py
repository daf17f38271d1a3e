"""Tokens that were found genuine are not verified again until they expire: a client sends the same
one for an hour.
"""

import hashlib
import threading
import time
from collections.abc import Callable

from wordai_jobs.auth.verifier import TokenVerifier, Verified

# One token is about 250 bytes here. With more callers than this within an hour, the oldest are
# verified anew.
_CAPACITY = 20_000


class RememberedTokens:
    """A verifier in front of another. Only genuine tokens are remembered, by their hash, so no
    token lies in memory.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        capacity: int = _CAPACITY,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._verifier = verifier
        self._capacity = capacity
        self._now = now
        self._known: dict[bytes, Verified] = {}
        self._lock = threading.Lock()

    def verify(self, token: str) -> Verified:
        key = hashlib.sha256(token.encode()).digest()
        known = self._known.get(key)
        if known and self._now() < known.expires_at:
            return known
        verified = self._verifier.verify(token)
        with self._lock:
            self._known.pop(key, None)
            while len(self._known) >= self._capacity:
                del self._known[next(iter(self._known))]
            self._known[key] = verified
        return verified
