"""What the operator reads: one event a line, on standard error, with the request and the job that
it belongs to.

Names of files and addresses come from users, so no character of theirs can end a line or pass for
another event.
"""

import json
import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from wordai_jobs.clock import isoformat
from wordai_jobs.config import LoggingSettings

# The line of a status poll is written to this logger, which `logging.polls` turns down.
POLLS = "wordai_jobs.polls"
_STANDARD_ERROR = 2
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# C0, DEL, C1, and what else some viewers take for the end of a line.
_UNSAFE = {code: f"\\u{code:04x}" for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}
_UNSAFE |= {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_job_id: ContextVar[str | None] = ContextVar("job_id", default=None)


def configure(settings: LoggingSettings = LoggingSettings()) -> None:
    """Have everything logged as the settings say; may be called again. Libraries are heard from
    WARNING on.
    """
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    handler = _WholeLines()
    handler.setFormatter(_JsonLines() if settings.format == "json" else _TextLines())
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
    logging.getLogger("wordai_jobs").setLevel(level)
    logging.getLogger(POLLS).setLevel(logging.NOTSET if settings.polls else logging.WARNING)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of every burst
    logging.captureWarnings(True)
    threading.excepthook = _log_end_of_thread


def begin_request(request_id: str, job_id: str | None) -> None:
    """What this thread logs until `end_request` belongs to the request, and to the job where the id
    can be one's.
    """
    _request_id.set(request_id)
    concern_job(job_id)


def end_request() -> None:
    _request_id.set(None)
    _job_id.set(None)


def concern_job(job_id: str | None) -> None:
    """What the request does from now on is about this job. Other strings than ids of jobs are left
    out of the log.
    """
    _job_id.set(job_id if job_id and _UUID.fullmatch(job_id) else None)


def current_job() -> str | None:
    """The job that this thread works for."""
    return _job_id.get()


@contextmanager
def about_job(job_id: str | None) -> Iterator[None]:
    """What this thread logs inside is about the job."""
    token = _job_id.set(job_id)
    try:
        yield
    finally:
        _job_id.reset(token)


class _WholeLines(logging.Handler):
    """Writes each event to standard error at once, in one piece, which the kernel does not mix with
    another.

    Without a lock around it: a thread gives up the interpreter while it writes, and until it has it
    back every other one that has something to log would wait for the lock. With eight threads that
    took a quarter of the polls a second.
    """

    def createLock(self) -> None:
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            left = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
            while left:
                left = left[os.write(_STANDARD_ERROR, left) :]
        except Exception:
            # As every handler of logging does: what cannot be logged must not end what was to be
            # logged.
            self.handleError(record)


class _TextLines(logging.Formatter):
    """`2026-02-08T00:10:28.325Z INFO wordai_jobs.access [request=… job=…]: …`; lines of a traceback
    are indented.
    """

    def format(self, record: logging.LogRecord) -> str:
        ids = " ".join(f"{name}={value}" for name, value in _ids().items())
        where = f"{record.name} [{ids}]" if ids else record.name
        line = f"{_time(record)} {record.levelname} {where}: {_one_line(record.getMessage())}"
        return (
            f"{line}\n{_indented(self.formatException(record.exc_info))}"
            if record.exc_info
            else line
        )


class _JsonLines(logging.Formatter):
    """One object a line: time, level, logger, message, request_id, job_id, then what the event has
    besides.
    """

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": _request_id.get(),
            "job_id": _job_id.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, default=str)


def _time(record: logging.LogRecord) -> str:
    return isoformat(datetime.fromtimestamp(record.created, UTC))


def _ids() -> dict[str, str]:
    ids = {"request": _request_id.get(), "job": _job_id.get()}
    return {name: value for name, value in ids.items() if value}


def _one_line(text: str) -> str:
    return text.translate(_UNSAFE)


def _indented(text: str) -> str:
    return "\n".join("    " + _one_line(line) for line in text.split("\n"))


def _log_end_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or isinstance(args.exc_value, SystemExit):
        return
    name = args.thread.name if args.thread else "a thread"
    error = (args.exc_type, args.exc_value, args.exc_traceback)
    logging.getLogger(__name__).critical("the thread %s ended by an error", name, exc_info=error)
