"""Verifying bearer tokens. Whatever goes wrong with one, its caller is nobody."""

import logging
from dataclasses import dataclass
from typing import Protocol

from itsdangerous import BadData, URLSafeTimedSerializer

from wordai_jobs.errors import Unauthenticated

DEV_TOKEN_MAX_AGE_S = 7 * 86_400
# Firebase tokens of a real project are about 1 KB; headers of more than 8 KB are refused by nginx
# anyway.
_MAX_TOKEN_LENGTH = 8192

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verified:
    """Whose token it is, and until when it is good, in seconds since 1970."""

    user_id: str
    expires_at: float


class TokenVerifier(Protocol):
    """Tells whose a token is."""

    def verify(self, token: str) -> Verified:
        """Raises Unauthenticated unless the token is genuine and valid now."""


class DevTokens:
    """Signs and verifies tokens with the server's own key: development on one machine, where anyone
    is who they say.
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
    """The token of an `Authorization: Bearer …` header; raises Unauthenticated where there is
    none.
    """
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.isascii() or not 0 < len(token) <= _MAX_TOKEN_LENGTH:
        raise Unauthenticated
    return token
