"""The thread that keeps the server's place: heartbeat, sweep, and the removal of what nobody needs any more."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from wordai_jobs.clock import utc_now
from wordai_jobs.database.instances import InstanceRepository
from wordai_jobs.errors import DatabaseError
from wordai_jobs.jobs.runner import JobRunner
from wordai_jobs.jobs.sweep import Sweep
from wordai_jobs.model.instance import HEARTBEAT_INTERVAL_S, Instance

_INSTANCES_KEPT = timedelta(days=1)

logger = logging.getLogger(__name__)


class Housekeeper:
    """Does its round every few seconds. A chore that fails does not stop the others, nor the next round."""

    def __init__(self, instance: Instance, instances: InstanceRepository, runner: JobRunner, sweep: Sweep) -> None:
        self._instance = instance
        self._instances = instances
        self._runner = runner
        self._sweep = sweep
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Record this server and sweep once, before any job is taken; raises DatabaseError."""
        self._beat()
        swept = self._sweep.run()
        if swept:
            logger.info("the sweep at start ended %d jobs of servers that are gone", swept)
        self._thread.start()

    def stop(self) -> None:
        """Stop the rounds and take this server off the record."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(HEARTBEAT_INTERVAL_S)
            self._try("sign off", lambda: self._instances.remove(self._instance.instance_id))

    def _run(self) -> None:
        while not self._stopping.wait(HEARTBEAT_INTERVAL_S):
            self._try("heartbeat", self._beat)
            self._try("overdue jobs", self._runner.fail_overdue)
            self._try("sweep", self._sweep.run)
            self._try("old servers", self._forget_old_instances)

    def _beat(self) -> None:
        self._instances.beat(self._instance, utc_now())

    def _forget_old_instances(self) -> None:
        """Servers that died long ago; their jobs have been swept, and expired ones count as dead without a record."""
        for instance in self._instances.all().values():
            if utc_now() - instance.heartbeat_at > _INSTANCES_KEPT:
                self._instances.remove(instance.instance_id)

    def _try(self, chore: str, do: Callable[[], object]) -> None:
        try:
            do()
        except DatabaseError as error:
            logger.warning("%s: %s", chore, error.words)
        except Exception:  # the rounds go on, whatever one chore meets
            logger.exception("%s failed", chore)
