"""Signed URLs of page images, which an `<img>` can load without a header for one to two days."""

import hashlib
import hmac
import time
from collections.abc import Callable

from itsdangerous import Signer

_DAY_S = 86_400


class UrlSigner:
    """Signs paths with the server's key, and checks such signatures."""

    def __init__(self, secret_key: str, now: Callable[[], float] = time.time) -> None:
        self._signer = Signer(secret_key, "wordai-jobs image url", digest_method=hashlib.sha256)
        self._now = now

    def sign(self, path: str) -> str:
        """The path with `expires`, in seconds since 1970, and `signature` as its query.

        The URL stays the same all day, so that browsers find its image in their cache, and is valid
        until the end of the next day.
        """
        expires = (int(self._now()) // _DAY_S + 2) * _DAY_S
        signed = f"{path}?expires={expires}"
        return f"{signed}&signature={self._signature(signed)}"

    def is_valid(self, path: str, expires: str, signature: str) -> bool:
        expected = self._signature(f"{path}?expires={expires}")
        # Text is compared: `verify_signature` decodes, and so ignores characters that do not belong
        # into a signature.
        is_genuine = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
        return is_genuine and self._now() < int(expires)

    def _signature(self, signed: str) -> str:
        return self._signer.get_signature(signed.encode("utf-8", "replace")).decode()
