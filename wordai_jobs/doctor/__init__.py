"""Checks whether a server can run here. Each check reports the first problem that it finds.

The checks change nothing that a start of the server would not change too.
"""

from collections.abc import Iterator

from wordai_jobs.config import load_config
from wordai_jobs.doctor.cluster import cluster
from wordai_jobs.doctor.database import database
from wordai_jobs.doctor.finding import Finding, Level
from wordai_jobs.doctor.port import port
from wordai_jobs.doctor.renderers import renderers, sandbox_of_renderers
from wordai_jobs.doctor.settings import configuration, sign_in
from wordai_jobs.doctor.storage import object_store, secret_key, storage
from wordai_jobs.errors import StartError

__all__ = ["Finding", "Level", "findings"]


def findings() -> Iterator[Finding]:
    """The finding of each check, as soon as the check is done."""
    try:
        config = load_config()
    except StartError as error:
        problem = str(error).removeprefix("Configuration: ")
        advice = "correct it; the other checks need it"
        yield Finding("configuration", Level.PROBLEM, problem, advice)
        return
    yield configuration(config)
    yield sign_in(config)
    yield storage(config)
    yield from object_store(config)
    yield secret_key(config)
    yield port(config.server)
    yield from database(config)
    yield from cluster(config)
    yield renderers(config)
    yield sandbox_of_renderers(config)
