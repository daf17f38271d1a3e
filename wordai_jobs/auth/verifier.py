"""Verifying bearer tokens. A token that cannot be verified for any reason is refused."""

from dataclasses import dataclass
from typing import Protocol

from itsdangerous import BadData, URLSafeTimedSerializer

from wordai_jobs.errors import Unauthenticated

DEV_TOKEN_MAX_AGE_S = 7 * 86_400
# Real Firebase tokens are about 1 KB, and nginx refuses headers larger than 8 KB.
_MAX_TOKEN_LENGTH = 8192


@dataclass(frozen=True, slots=True)
class Verified:
    """The token's user, and when it expires, in seconds since 1970."""

    user_id: str
    expires_at: float


class TokenVerifier(Protocol):
    """Finds the user of a token."""

    def verify(self, token: str) -> Verified:
        """Raises Unauthenticated unless the token is genuine and valid now."""


class DevTokens:
    """Signs and verifies tokens with the server's own key, for development on one machine: anyone
    can sign in as anyone.
    """

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeTimedSerializer(secret_key, salt="wordai-jobs dev token")

    def sign(self, user_id: str) -> str:
        token = self._serializer.dumps(user_id)
        return token if isinstance(token, str) else token.decode("ascii")

    def verify(self, token: str) -> Verified:
        try:
            user_id, signed_at = self._serializer.loads(
                token, max_age=DEV_TOKEN_MAX_AGE_S, return_timestamp=True
            )
        except BadData as error:
            raise Unauthenticated from error
        if not isinstance(user_id, str):
            raise Unauthenticated
        return Verified(user_id, signed_at.timestamp() + DEV_TOKEN_MAX_AGE_S)


def bearer_token(authorization: str | None) -> str:
    """The token of an `Authorization: Bearer …` header; raises Unauthenticated if there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.isascii() or not 0 < len(token) <= _MAX_TOKEN_LENGTH:
        raise Unauthenticated
    return token
