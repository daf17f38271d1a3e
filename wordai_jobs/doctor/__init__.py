"""Whether a server could run here: one check after the other, each of which tells the first thing
it finds wrong.

Nothing is changed that a start of the server would not change.
"""

from collections.abc import Iterator

from wordai_jobs.config import load_config
from wordai_jobs.doctor.database import database
from wordai_jobs.doctor.finding import Finding, Level
from wordai_jobs.doctor.port import port
from wordai_jobs.doctor.renderers import renderers
from wordai_jobs.doctor.settings import configuration, sign_in
from wordai_jobs.doctor.storage import secret_key, storage
from wordai_jobs.errors import StartError

__all__ = ["Finding", "Level", "findings"]


def findings() -> Iterator[Finding]:
    """Each as soon as its check is done."""
    try:
        config = load_config()
    except StartError as error:
        words = str(error).removeprefix("Configuration: ")
        yield Finding("configuration", Level.PROBLEM, words, "correct it; the other checks need it")
        return
    yield configuration(config)
    yield sign_in(config)
    yield storage(config)
    yield secret_key(config)
    yield port(config.server)
    yield from database(config)
    yield renderers(config)
