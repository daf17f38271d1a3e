"""The tasks of a worker: what Celery calls when a message arrives."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from celery import Celery

from wordai_jobs import logs
from wordai_jobs.errors import DatabaseError, StorageError
from wordai_jobs.jobs.celery.lookout import Lookout
from wordai_jobs.jobs.celery.messages import (
    CREATE_CHAPTER,
    FIND_LOST_WORK,
    RENDER_PAGES,
    BrokerAway,
)
from wordai_jobs.jobs.celery.steps import Steps

logger = logging.getLogger(__name__)


class Tasks:
    """Connects messages with what is to be done.

    An error of a task is logged. Its message is done all the same: what is missing is published
    again, by what the database says.
    """

    def __init__(self, steps: Steps, lookout: Lookout, arrived: Callable[[datetime], None]) -> None:
        """`arrived` is told when each message was published."""
        self._steps = steps
        self._lookout = lookout
        self._arrived = arrived

    def register(self, celery: Celery) -> None:
        for name, do in (
            (RENDER_PAGES, self._render_pages),
            (CREATE_CHAPTER, self._create_chapter),
            (FIND_LOST_WORK, self._find_lost_work),
        ):
            celery.task(name=name, shared=False, typing=False)(do)

    def _render_pages(self, job_id: str, first: int, last: int, published_at: float) -> None:
        with self._handling(published_at, job_id) as moment:
            self._steps.render_pages(job_id, first, last, moment)

    def _create_chapter(self, job_id: str, published_at: float) -> None:
        with self._handling(published_at, job_id):
            self._steps.create_chapter(job_id)

    def _find_lost_work(self, published_at: float) -> None:
        with self._handling(published_at) as moment:
            self._lookout.find_lost_work(moment)

    @contextmanager
    def _handling(self, published_at: float, job_id: str | None = None) -> Iterator[datetime]:
        moment = datetime.fromtimestamp(published_at, UTC)
        self._arrived(moment)
        with logs.about_job(job_id):
            try:
                yield moment
            except (DatabaseError, StorageError) as error:
                logger.warning("a task is given up: %s", error.message)
            except BrokerAway:
                logger.warning("a task is given up: the broker cannot be reached")
            except Exception:
                logger.exception("a task met an unexpected error")
