"""The regular chores of a running server: those of its engine, and the clean-up."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from wordai_jobs.errors import DatabaseError, StorageError
from wordai_jobs.jobs.cleanup import Cleanup

_TICK_S = 1.0
_CLEANUP_INTERVAL_S = 3600
# Within an hour after a start, an operator notices a wrong setting.
_CLEANUP_DELAY_S = 3600
_STOP_TIMEOUT_S = 5.0

logger = logging.getLogger(__name__)


class Chore:
    """A task that is due every `interval_s` seconds, the first time after `delay_s`."""

    def __init__(
        self, name: str, interval_s: float, do: Callable[[], object], delay_s: float = 0
    ) -> None:
        self._name = name
        self._interval_s = interval_s
        self._do = do
        self._due_at = time.monotonic() + delay_s

    def do_if_due(self) -> None:
        if time.monotonic() < self._due_at:
            return
        attempt(self._name, self._do)
        self._due_at = time.monotonic() + self._interval_s


def attempt(name: str, do: Callable[..., object], *arguments: object) -> None:
    """Do one of several things. If it fails, even by a bug, that must not stop the others."""
    try:
        do(*arguments)
    except (DatabaseError, StorageError) as error:
        logger.warning("%s: %s", name, error.message)
    except Exception:
        logger.exception("%s failed", name)


def cleanup_chores(cleanup: Cleanup, delay_s: float = _CLEANUP_DELAY_S) -> Sequence[Chore]:
    return [
        Chore(name, _CLEANUP_INTERVAL_S, do, delay_s=delay_s)
        for name, do in (
            ("old uploads", cleanup.remove_old_uploads),
            ("strays", cleanup.remove_strays),
            ("trash", cleanup.empty_trash),
        )
    ]


class Housekeeper:
    """Does each chore at its interval. If a chore fails, it is done again at its next turn.

    Each group of chores has its own thread, because the clean-up may take long and must not delay
    the end of jobs.
    """

    def __init__(self, groups: Mapping[str, Sequence[Chore]]) -> None:
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(chores,), name=name, daemon=True)
            for name, chores in groups.items()
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(_STOP_TIMEOUT_S)

    def _run(self, chores: Sequence[Chore]) -> None:
        while not self._stopping.is_set():
            for chore in chores:
                chore.do_if_due()
            self._stopping.wait(_TICK_S)
