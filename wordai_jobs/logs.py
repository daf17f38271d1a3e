"""The log: one event per line on standard error, with the ids of its request and job.

Texts from users, such as file names and URLs, are escaped, so that none can imitate another event.
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

# The logger of status polls, which `logging.polls` turns off.
POLLS = "wordai_jobs.polls"
_STANDARD_ERROR = 2
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# C0, DEL, C1, and the other characters that some viewers take for the end of a line.
_UNSAFE = {code: f"\\u{code:04x}" for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}
_UNSAFE |= {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_job_id: ContextVar[str | None] = ContextVar("job_id", default=None)


def configure(settings: LoggingSettings = LoggingSettings()) -> None:
    """Log as the settings say, and events of libraries from WARNING on. May be called again."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    handler = _WholeLines()
    handler.setFormatter(_JsonLines() if settings.format == "json" else _TextLines())
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
    logging.getLogger("wordai_jobs").setLevel(level)
    logging.getLogger(POLLS).setLevel(logging.NOTSET if settings.polls else logging.WARNING)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns about every burst
    logging.captureWarnings(True)
    # No line shows these, and to find them takes half of the time of an event.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    threading.excepthook = _log_end_of_thread


def begin_request(request_id: str, job_id: str | None) -> None:
    """Until `end_request`, events of this thread name the request, and the job if there is one."""
    _request_id.set(request_id)
    concern_job(job_id)


def end_request() -> None:
    _request_id.set(None)
    _job_id.set(None)


def concern_job(job_id: str | None) -> None:
    """From now on, events of this request name the job, if this is the id of one."""
    _job_id.set(job_id if job_id and _UUID.fullmatch(job_id) else None)


def current_job() -> str | None:
    """The job that events of this thread name."""
    return _job_id.get()


@contextmanager
def about_job(job_id: str | None) -> Iterator[None]:
    """Events of this thread in the block name the job."""
    token = _job_id.set(job_id)
    try:
        yield
    finally:
        _job_id.reset(token)


class _WholeLines(logging.Handler):
    """Writes each event to standard error in one piece, which the kernel does not mix with others.

    There is no lock around it: a thread releases the interpreter while it writes, and all other
    threads that log would wait for the lock until it has the interpreter back. With eight threads,
    this cost a quarter of the polls per second.
    """

    def createLock(self) -> None:
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            left = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
            while left:
                left = left[os.write(_STANDARD_ERROR, left) :]
        except Exception:
            # An event that cannot be logged must not stop the work; all handlers do this.
            self.handleError(record)


class _TextLines(logging.Formatter):
    """`2026-02-08T00:10:28.325Z INFO wordai_jobs.access [request=… job=…]: …`

    An event with a traceback has it on the following lines, indented.
    """

    def format(self, record: logging.LogRecord) -> str:
        ids = {"request": _request_id.get(), "job": _job_id.get()}
        shown = " ".join(f"{name}={value}" for name, value in ids.items() if value)
        source = f"{record.name} [{shown}]" if shown else record.name
        lines = [f"{_time(record)} {record.levelname} {source}: {_one_line(record.getMessage())}"]
        if record.exc_info:
            traceback = self.formatException(record.exc_info).split("\n")
            lines += ["    " + _one_line(line) for line in traceback]
        return "\n".join(lines)


class _JsonLines(logging.Formatter):
    """One JSON object per line; fields that only this event has come last."""

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


def _one_line(text: str) -> str:
    return text.translate(_UNSAFE)


def _log_end_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or isinstance(args.exc_value, SystemExit):
        return
    name = args.thread.name if args.thread else "a thread"
    error = (args.exc_type, args.exc_value, args.exc_traceback)
    logging.getLogger(__name__).critical("the thread %s ended with an error", name, exc_info=error)
