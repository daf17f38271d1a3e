"""The messages of a fleet: what Celery and its broker carry to the workers, and how."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from kombu.transport import get_transport_cls

from wordai_jobs.errors import StartError
from wordai_jobs.model.work import Task

RENDER_PAGES = "render_pages"
CREATE_CHAPTER = "create_chapter"
FIND_LOST_WORK = "find_lost_work"

# Redis delivers a message again if its worker has been silent about it for this time; RabbitMQ
# notices at once that a worker is gone. A task takes a second or two.
_VISIBILITY_TIMEOUT_S = 20
_RESTORE_INTERVAL_S = 2
_CONNECT_TIMEOUT_S = 2
_SOCKET_TIMEOUT_S = 5
# A connection that the broker has closed is noticed only when it is used again.
_ONE_MORE_TRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}

logger = logging.getLogger(__name__)


class BrokerAway(Exception):
    """The broker cannot be reached, so a message was not published."""


def create_celery(broker: str, installation: str) -> Celery:
    """Celery for an installation, named by its database. Creating it connects to nothing.

    Several installations can share a broker, but Flower and `doctor` show the workers of all that
    share its virtual host or database. Raises StartError if the broker's library is missing.
    """
    _load_library(broker.partition("://")[0])
    celery = Celery("wordai_jobs", broker=broker, set_as_current=False)
    celery.conf.update(
        task_default_queue=f"wordai_jobs.{installation}",
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        # A message is acknowledged when its task is done: a worker that dies leaves it to others.
        task_acks_late=True,
        # Workers do not hoard, so a new job waits for tasks in hand only.
        worker_prefetch_multiplier=1,
        # What the broker loses is published again, so it need not write messages to disk.
        task_default_delivery_mode="transient",
        # For Flower.
        worker_send_task_events=True,
        task_send_sent_event=True,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=_CONNECT_TIMEOUT_S,
        broker_transport_options=_transport_options(broker),
        task_publish_retry_policy=_ONE_MORE_TRY,
    )
    return celery


def _load_library(scheme: str) -> None:
    """Otherwise a worker would stop with a traceback, and a server take the broker for away."""
    try:
        get_transport_cls(scheme)
    except Exception as error:  # kombu uses a library that is missing as if it were None
        raise StartError(
            f"jobs.broker needs a package for {scheme}, which cannot be loaded: "
            "pip install 'wordai-jobs[cluster]'"
        ) from error


def _transport_options(broker: str) -> Mapping[str, Any]:
    if not broker.startswith("redis"):
        return {"confirm_publish": True}
    return {
        "visibility_timeout": _VISIBILITY_TIMEOUT_S,
        "unacked_restore_interval": _RESTORE_INTERVAL_S,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": _CONNECT_TIMEOUT_S,
        "socket_timeout": _SOCKET_TIMEOUT_S,
    }


class Messages:
    """Publishes messages. All methods raise BrokerAway; `now` is the time of the database."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    def render_pages(self, job_id: str, task: Task, now: datetime) -> None:
        self._publish(RENDER_PAGES, now, job_id, task.first, task.last)

    def create_chapter(self, job_id: str, now: datetime) -> None:
        self._publish(CREATE_CHAPTER, now, job_id)

    def find_lost_work(self, now: datetime) -> None:
        self._publish(FIND_LOST_WORK, now)

    def is_broker_there(self) -> bool:
        try:
            with self._celery.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=3)
        except (OperationalError, OSError):
            return False
        return True

    def _publish(self, name: str, now: datetime, *args: object) -> None:
        try:
            self._celery.send_task(name, args, {"published_at": now.timestamp()})
        except (OperationalError, OSError) as error:
            logger.warning("the broker cannot be reached: %s", error)
            raise BrokerAway from error
