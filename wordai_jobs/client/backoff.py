"""How long to wait before the next try."""

import random
from collections.abc import Callable

FIRST_S = 0.5
LONGEST_S = 10.0
# Even if the server asks for more: a longer pause looks like a hang.
_MOST_ASKED_FOR_S = 60.0


class Backoff:
    """Pauses that double from half a second to ten, shortened at random to spread many clients."""

    def __init__(self, rng: Callable[[], float] = random.random) -> None:
        self._rng = rng
        self._next_s = FIRST_S

    def pause_s(self, asked_for_s: float | None) -> float:
        """The next pause; not shorter than what the server has asked for, up to a minute."""
        pause_s = self._next_s * (0.5 + self._rng() / 2)
        self._next_s = min(LONGEST_S, self._next_s * 2)
        return max(pause_s, min(asked_for_s or 0, _MOST_ASKED_FOR_S))

    def reset(self) -> None:
        """The last try has succeeded."""
        self._next_s = FIRST_S
