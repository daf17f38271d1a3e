"""Addresses of page images that an `<img>` can fetch without a header: signed, and good for a day
or two.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from urllib.parse import urlencode

# An address stays the same all day, so that browsers find its image in their cache; it is good
# until the end of the next.
_DAY_S = 86_400


class UrlSigner:
    """Signs paths with the server's key, and checks such signatures."""

    def __init__(self, secret_key: str, now: Callable[[], float] = time.time) -> None:
        self._key = hashlib.sha256(b"wordai-jobs image url" + secret_key.encode()).digest()
        self._now = now

    def sign(self, path: str) -> str:
        """The path with `expires`, in seconds since 1970, and `signature` behind it."""
        expires = (int(self._now()) // _DAY_S + 2) * _DAY_S
        return f"{path}?{urlencode({'expires': expires, 'signature': self._signature(path, str(expires))})}"

    def is_valid(self, path: str, expires: str, signature: str) -> bool:
        expected = self._signature(path, expires)
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
            return False
        return expires.isdecimal() and self._now() < int(expires)

    def _signature(self, path: str, expires: str) -> str:
        message = f"{path}\n{expires}".encode("utf-8", "replace")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()[:32]
