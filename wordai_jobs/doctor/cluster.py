"""Checks what only the engine celery needs: the broker, workers, and one time for all machines."""

from collections.abc import Iterator
from pathlib import Path

from wordai_jobs.config import Config
from wordai_jobs.doctor.finding import Finding, Level
from wordai_jobs.errors import DatabaseError, StartError
from wordai_jobs.maintenance import connected
from wordai_jobs.storage.data_folder import DataFolder

_WORKERS_ANSWER_WITHIN_S = 2.0
_CLOCKS_MAY_DIFFER_S = 5.0


def cluster(config: Config) -> Iterator[Finding]:
    if config.jobs.engine != "celery":
        return
    try:
        from wordai_jobs.jobs.celery.messages import Messages, create_celery
    except StartError as error:
        yield Finding("broker", Level.PROBLEM, str(error))
        return
    celery = create_celery(config.jobs.broker, config.mongodb.database)
    if Messages(celery).is_broker_there():
        yield Finding("broker", Level.OK, "can be reached")
        answers = celery.control.ping(timeout=_WORKERS_ANSWER_WITHIN_S)
        yield _workers(sorted(name for answer in answers for name in answer))
    else:
        yield Finding(
            "broker", Level.PROBLEM, "cannot be reached", "start it, or correct jobs.broker"
        )
    yield from _clock(config)


def _workers(names: list[str]) -> Finding:
    if names:
        return Finding("workers", Level.OK, f"{len(names)} answer: {', '.join(names)}")
    return Finding(
        "workers",
        Level.WARNING,
        "none answers, so jobs wait",
        "start one: wordai-jobs worker",
    )


def _clock(config: Config) -> Iterator[Finding]:
    try:
        with connected(config, DataFolder(Path(config.storage.data_dir))) as database:
            ahead_s = database.clock_ahead_by()[0].total_seconds()
    except (DatabaseError, StartError):
        return  # the check of the database has reported it
    if abs(ahead_s) > _CLOCKS_MAY_DIFFER_S:
        yield Finding(
            "clock",
            Level.WARNING,
            f"the database's clock is {ahead_s:+.1f} s from ours",
            "synchronise both with NTP: times that users see would contradict each other",
        )
    else:
        yield Finding("clock", Level.OK, "agrees with the database's")
