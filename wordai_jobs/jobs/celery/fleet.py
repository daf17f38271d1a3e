"""What every server of a fleet has, whether it answers requests or renders pages."""

from dataclasses import dataclass

from celery import Celery

from wordai_jobs.config import Config
from wordai_jobs.database.client import Database
from wordai_jobs.jobs.celery.clock import FleetClock
from wordai_jobs.jobs.celery.ending import Ending
from wordai_jobs.jobs.celery.messages import Messages, create_celery
from wordai_jobs.jobs.metrics import JobMetrics
from wordai_jobs.storage.storage import Storage


@dataclass(frozen=True, slots=True)
class Fleet:
    """Its parts; `celery` connects `messages` with the broker."""

    celery: Celery
    database: Database
    storage: Storage
    messages: Messages
    clock: FleetClock
    ending: Ending
    metrics: JobMetrics

    @classmethod
    def of(
        cls, config: Config, database: Database, storage: Storage, metrics: JobMetrics
    ) -> "Fleet":
        """Connects to nothing."""
        celery = create_celery(config.jobs.broker, database.name)
        clock = FleetClock(database)
        return cls(
            celery=celery,
            database=database,
            storage=storage,
            messages=Messages(celery),
            clock=clock,
            ending=Ending(database, storage, clock, metrics),
            metrics=metrics,
        )
