"""Genuine tokens are verified once until they expire: clients send the same one for an hour."""

import hashlib
import time
from collections.abc import Callable

from wordai_jobs.auth.verifier import TokenVerifier, Verified
from wordai_jobs.recent import Recent

# A token takes about 250 bytes here. If more than this many users call within an hour, the oldest
# tokens are verified again.
_CAPACITY = 20_000


class RememberedTokens:
    """A verifier in front of another. It remembers only genuine tokens, and only their hashes."""

    def __init__(
        self,
        verifier: TokenVerifier,
        capacity: int = _CAPACITY,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._verifier = verifier
        self._now = now
        self._known = Recent[bytes, Verified](capacity)

    def known(self, token: str) -> Verified | None:
        """What is remembered of the token; None if it has to be verified."""
        known = self._known.get(_key(token))
        return known if known and self._now() < known.expires_at else None

    def verify(self, token: str) -> Verified:
        known = self.known(token)
        if known:
            return known
        verified = self._verifier.verify(token)
        self._known.put(_key(token), verified)
        return verified


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
