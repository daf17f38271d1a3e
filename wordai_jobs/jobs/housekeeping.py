"""What keeps the server's place beside its jobs: heartbeat, sweep, and the removal of what nobody
needs any more.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from wordai_jobs.clock import utc_now
from wordai_jobs.database.instances import InstanceRepository
from wordai_jobs.database.jobs import JobRepository
from wordai_jobs.errors import DatabaseError
from wordai_jobs.jobs.cleanup import Cleanup
from wordai_jobs.jobs.lease import Lease
from wordai_jobs.jobs.runner import JobRunner
from wordai_jobs.jobs.sweep import Sweep
from wordai_jobs.model.instance import HEARTBEAT_INTERVAL_S, Instance
from wordai_jobs.model.job import CANCELLED

_TICK_S = 1.0
_CLEANUP_INTERVAL_S = 3600
_INSTANCES_KEPT = timedelta(days=1)

logger = logging.getLogger(__name__)


class Housekeeper:
    """Does its chores at their intervals. One that fails stops neither the others nor its own next
    time.

    The heartbeat has a thread of its own: a sweep or a clean-up that takes long must not have this
    server taken for dead.
    """

    def __init__(
        self,
        instance: Instance,
        instances: InstanceRepository,
        jobs: JobRepository,
        runner: JobRunner,
        sweep: Sweep,
        cleanup: Cleanup,
        lease: Lease,
    ) -> None:
        self._instance = instance
        self._instances = instances
        self._jobs = jobs
        self._runner = runner
        self._sweep = sweep
        self._lease = lease
        signs_of_life = [
            _Chore("cancellation", _TICK_S, self._cancel_requested),
            _Chore("heartbeat", HEARTBEAT_INTERVAL_S, self._beat),
        ]
        upkeep = [
            _Chore("overdue jobs", HEARTBEAT_INTERVAL_S, runner.fail_overdue),
            _Chore("sweep", HEARTBEAT_INTERVAL_S, sweep.run),
            _Chore("old servers", _CLEANUP_INTERVAL_S, self._forget_old_instances),
            _Chore("unfinished uploads", _CLEANUP_INTERVAL_S, cleanup.remove_unfinished_uploads),
            _Chore("stray pages", _CLEANUP_INTERVAL_S, cleanup.remove_stray_pages),
            _Chore("old uploads", _CLEANUP_INTERVAL_S, cleanup.remove_old_uploads),
        ]
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(chores,), name=name, daemon=True)
            for name, chores in (("heartbeat", signs_of_life), ("housekeeping", upkeep))
        ]

    def start(self) -> None:
        """Record this server and sweep once, before any job is taken; raises DatabaseError."""
        self._beat()
        swept = self._sweep.run()
        if swept:
            logger.info("the sweep at start ended %d jobs of servers that are gone", swept)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop the chores and take this server off the record."""
        self._stopping.set()
        started = [thread for thread in self._threads if thread.ident is not None]
        for thread in started:
            thread.join(HEARTBEAT_INTERVAL_S)
        if started:
            _Chore("sign off", 0, lambda: self._instances.remove(self._instance.instance_id)).do()

    def _run(self, chores: list["_Chore"]) -> None:
        while not self._stopping.is_set():
            for chore in chores:
                chore.do_if_due()
            self._stopping.wait(_TICK_S)

    def _beat(self) -> None:
        """After a pause, jobs may have been taken over: they are let go before this server speaks
        from memory again.
        """
        sent_at = time.monotonic()
        self._instances.beat(self._instance, utc_now())
        if not self._lease.is_held:
            live = self._runner.live_ids
            self._runner.let_go(set(live) - self._jobs.owned(live, self._instance.instance_id))
        self._lease.renew(sent_at)

    def _cancel_requested(self) -> None:
        """End those of this server's jobs that another server was asked to cancel."""
        live = self._runner.live_ids
        for job_id in self._jobs.with_cancellation_requested(live) if live else ():
            self._runner.cancel(job_id, CANCELLED)

    def _forget_old_instances(self) -> None:
        """Servers that died long ago. Their jobs have been swept; a server without a record counts
        as dead anyway.
        """
        for instance in self._instances.all().values():
            if utc_now() - instance.heartbeat_at > _INSTANCES_KEPT:
                self._instances.remove(instance.instance_id)


class _Chore:
    """Something to do every `interval_s` seconds, the first time at once."""

    def __init__(self, name: str, interval_s: float, do: Callable[[], object]) -> None:
        self._name = name
        self._interval_s = interval_s
        self._do = do
        self._due_at = 0.0

    def do_if_due(self) -> None:
        if time.monotonic() >= self._due_at:
            self.do()
            self._due_at = time.monotonic() + self._interval_s

    def do(self) -> None:
        try:
            self._do()
        except DatabaseError as error:
            logger.warning("%s: %s", self._name, error.words)
        except Exception:  # the chores go on, whatever one meets
            logger.exception("%s failed", self._name)
