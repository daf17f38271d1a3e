"""A genuine token is verified once, until it expires."""

import pytest

from wordai_jobs.auth.remembered import RememberedTokens
from wordai_jobs.auth.verifier import Verified
from wordai_jobs.errors import Unauthenticated


class Counting:
    """Accepts tokens such as `alice:100`, valid until that second, and records every call."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 0.0

    def verify(self, token: str) -> Verified:
        self.asked.append(token)
        user_id, _, expires_at = token.partition(":")
        if not expires_at or self.now >= float(expires_at):
            raise Unauthenticated
        return Verified(user_id, float(expires_at))


def remembering(inner: Counting, capacity: int = 10) -> RememberedTokens:
    return RememberedTokens(inner, capacity, now=lambda: inner.now)


def test_a_genuine_token_is_verified_once_until_it_expires() -> None:
    inner = Counting()
    tokens = remembering(inner)
    assert [tokens.verify("alice:100").user_id for _ in range(3)] == ["alice"] * 3
    assert len(inner.asked) == 1
    assert tokens.known("alice:100") == Verified("alice", 100.0)
    inner.now = 100.0
    assert tokens.known("alice:100") is None
    with pytest.raises(Unauthenticated):
        tokens.verify("alice:100")
    assert len(inner.asked) == 2


def test_a_token_that_is_not_genuine_is_never_remembered() -> None:
    inner = Counting()
    tokens = remembering(inner)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            tokens.verify("forged")
    assert len(inner.asked) == 2 and tokens.known("forged") is None


def test_the_oldest_token_makes_room_for_a_new_one() -> None:
    inner = Counting()
    tokens = remembering(inner, capacity=2)
    for user in ("a", "b", "c", "c", "b", "a"):
        tokens.verify(f"{user}:100")
    assert inner.asked == ["a:100", "b:100", "c:100", "a:100"]
