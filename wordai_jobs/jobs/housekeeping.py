"""The chores of a running server: end overdue and orphaned jobs, remove what nobody needs."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from wordai_jobs.errors import DatabaseError
from wordai_jobs.jobs.cleanup import Cleanup
from wordai_jobs.jobs.runner import JobRunner
from wordai_jobs.jobs.sweep import Sweep

_TICK_S = 1.0
_SWEEP_INTERVAL_S = 5
_CLEANUP_INTERVAL_S = 3600
_STOP_TIMEOUT_S = 5.0

logger = logging.getLogger(__name__)


class Housekeeper:
    """Does its chores at their intervals. A chore that fails stops neither the others nor its own
    next time.

    The clean-up has a thread of its own: it may take long, and must not delay the end of jobs.
    """

    def __init__(self, runner: JobRunner, sweep: Sweep, cleanup: Cleanup) -> None:
        self._sweep = sweep
        self._stopping = threading.Event()
        ending = [
            _Chore("overdue jobs", _SWEEP_INTERVAL_S, runner.fail_overdue),
            _Chore("sweep", _SWEEP_INTERVAL_S, sweep.run),
        ]
        removing = [
            _Chore("stray pages", _CLEANUP_INTERVAL_S, cleanup.remove_stray_pages),
            _Chore("old uploads", _CLEANUP_INTERVAL_S, cleanup.remove_old_uploads),
        ]
        self._threads = [
            threading.Thread(target=self._run, args=(chores,), name=name, daemon=True)
            for name, chores in (("housekeeping", ending), ("clean-up", removing))
        ]

    def start(self) -> None:
        """Sweep once, before any job is taken, then start the chores. Raises DatabaseError."""
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


@dataclass(slots=True)
class _Chore:
    """Something to do every `interval_s` seconds, the first time at once."""

    name: str
    interval_s: float
    do: Callable[[], object]
    due_at: float = 0.0

    def do_if_due(self) -> None:
        if time.monotonic() < self.due_at:
            return
        try:
            self.do()
        except DatabaseError as error:
            logger.warning("%s: %s", self.name, error.message)
        except Exception:  # the other chores go on, whatever one meets
            logger.exception("%s failed", self.name)
        self.due_at = time.monotonic() + self.interval_s
