"""The regular chores of a running server: end overdue and orphaned jobs, clean up."""

import logging
import threading
import time
from collections.abc import Callable

from wordai_jobs.errors import DatabaseError, StorageError
from wordai_jobs.jobs.cleanup import Cleanup
from wordai_jobs.jobs.orphan_sweep import Sweep
from wordai_jobs.jobs.runner import JobRunner

_TICK_S = 1.0
_SWEEP_INTERVAL_S = 5
_CLEANUP_INTERVAL_S = 3600
# Within an hour after a start, an operator notices a wrong setting.
_CLEANUP_DELAY_S = 3600
_STOP_TIMEOUT_S = 5.0

logger = logging.getLogger(__name__)


class Housekeeper:
    """Does each chore at its interval. If a chore fails, it is done again at its next turn.

    The clean-up has its own thread, because it may take long and must not delay the end of jobs.
    """

    def __init__(
        self,
        runner: JobRunner,
        sweep: Sweep,
        cleanup: Cleanup,
        cleanup_delay_s: float = _CLEANUP_DELAY_S,
    ) -> None:
        self._sweep = sweep
        self._stopping = threading.Event()
        ending = [
            _Chore("overdue jobs", _SWEEP_INTERVAL_S, runner.fail_overdue),
            _Chore("sweep", _SWEEP_INTERVAL_S, sweep.run),
        ]
        removing = [
            _Chore(name, _CLEANUP_INTERVAL_S, chore, delay_s=cleanup_delay_s)
            for name, chore in (
                ("old uploads", cleanup.remove_old_uploads),
                ("strays", cleanup.remove_strays),
                ("trash", cleanup.empty_trash),
            )
        ]
        self._threads = [
            threading.Thread(target=self._run, args=(chores,), name=name, daemon=True)
            for name, chores in (("housekeeping", ending), ("clean-up", removing))
        ]

    def start(self) -> None:
        """Sweep once, before any job is accepted, then start the chores. Raises DatabaseError."""
        swept = self._sweep.run()
        if swept:
            logger.info("the sweep at start ended %d jobs", swept)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(_STOP_TIMEOUT_S)

    def _run(self, chores: list["_Chore"]) -> None:
        while not self._stopping.is_set():
            for chore in chores:
                chore.do_if_due()
            self._stopping.wait(_TICK_S)


class _Chore:
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
        try:
            self._do()
        except (DatabaseError, StorageError) as error:
            logger.warning("%s: %s", self._name, error.message)
        except Exception:  # a bug in one chore must not stop the others
            logger.exception("%s failed", self._name)
        self._due_at = time.monotonic() + self._interval_s
