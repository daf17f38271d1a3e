"""The class of a failed job's error, for statistics: users read words, statistics need a few fixed
names.
"""

import re

from wordai_jobs.model.job import CANCELLED, SERVER_RESTARTED, SERVER_SHUT_DOWN, ErrorClass
from wordai_jobs.rendering.protocol import Failure

_BY_WORDS = {
    CANCELLED: ErrorClass.CANCELLED,
    SERVER_RESTARTED: ErrorClass.SERVER_STOPPED,
    SERVER_SHUT_DOWN: ErrorClass.SERVER_STOPPED,
    Failure.OUT_OF_MEMORY.message: ErrorClass.OUT_OF_MEMORY,
    Failure.STORAGE_FULL.message: ErrorClass.STORAGE_FULL,
    **{
        failure.message: ErrorClass.BAD_PDF
        for failure in (
            Failure.NOT_A_PDF,
            Failure.DAMAGED,
            Failure.ENCRYPTED,
            Failure.EMPTY,
            Failure.BAD_PAGE,
        )
    },
}
_BY_PATTERN = (
    (re.compile(r"Job took longer than"), ErrorClass.JOB_TIMEOUT),
    (re.compile(r"Page \d+ took longer than"), ErrorClass.PAGE_TIMEOUT),
    (re.compile(r"Page \d+ crashed"), ErrorClass.RENDERER_CRASH),
    (re.compile(r"Page \d+ is damaged"), ErrorClass.BAD_PDF),
    (re.compile(r"The uploaded PDF"), ErrorClass.UPLOAD_GONE),
    (re.compile(r"The database"), ErrorClass.DATABASE),
)


def error_class(words: str) -> ErrorClass:
    """The class of an error in a failed job; OTHER for one that nobody has a name for."""
    if words in _BY_WORDS:
        return _BY_WORDS[words]
    return next((found for pattern, found in _BY_PATTERN if pattern.match(words)), ErrorClass.OTHER)
