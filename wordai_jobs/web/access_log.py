"""The id, the log line and the measurements of every request.

The query string is never logged: it may hold a signature.
"""

import logging
import random
import re
import time
from typing import NamedTuple

from flask import Flask, Response, g, request

from wordai_jobs import logs
from wordai_jobs.availability import handles_request
from wordai_jobs.model.job import Job
from wordai_jobs.web.request_metrics import RequestMetrics

_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
_LONGEST_PATH = 500

logger = logging.getLogger("wordai_jobs.access")
polls = logging.getLogger(logs.POLLS)


class Begun(NamedTuple):
    """A request that has no response yet.

    `route` is the template that the URL matched: there are few of them, whatever clients ask for.
    """

    request_id: str
    method: str
    path: str
    route: str | None
    began_at: float


class AccessLog:
    """What is logged and measured of each request. `end` must follow each `begin`."""

    def __init__(self, metrics: RequestMetrics) -> None:
        self._metrics = metrics

    def begin(
        self, given_id: str | None, method: str, path: str, route: str | None, job_id: str | None
    ) -> Begun:
        """`given_id`: the X-Request-ID that the client has sent."""
        began_at = time.perf_counter()
        is_harmless = given_id and _REQUEST_ID.fullmatch(given_id)
        request_id = given_id if given_id and is_harmless else f"{random.getrandbits(128):032x}"
        logs.begin_request(request_id, job_id)
        return Begun(request_id, method, path, route, began_at)

    def complete(self, begun: Begun, status: int, size: int, polled_job: Job | None) -> None:
        """The response has this status and a body of `size` bytes.

        A poll of a job is logged as `JOB STATUS <job_id> <status> <progress>%`.
        """
        took_s = time.perf_counter() - begun.began_at
        if (polls if polled_job else logger).isEnabledFor(logging.INFO):
            _log(begun, status, size, took_s, polled_job)
        self._metrics.responded(begun.route, begun.method, status, took_s)
        if polled_job:
            self._metrics.polled(took_s)

    def end(self) -> None:
        logs.end_request()


def register(app: Flask, access_log: AccessLog) -> None:
    """Register this before everything else, so that it sees the finished response."""

    @app.before_request
    def begin() -> None:
        handles_request.set(True)
        g.begun = access_log.begin(
            request.headers.get("X-Request-ID"),
            request.method,
            request.path,
            request.url_rule.rule if request.url_rule else None,
            (request.view_args or {}).get("job_id"),
        )

    @app.after_request
    def complete(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.begun.request_id
        status, size = response.status_code, response.content_length or 0
        polled_job = g.get("polled_job") if status < 400 else None
        access_log.complete(g.begun, status, size, polled_job)
        return response

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        access_log.end()
        handles_request.set(False)


def log_as_poll(job: Job) -> None:
    """Log this request as a poll of the job."""
    g.polled_job = job


def _log(begun: Begun, status: int, size: int, took_s: float, job: Job | None) -> None:
    path, took_ms = begun.path[:_LONGEST_PATH], took_s * 1000
    for_json = {
        "method": begun.method,
        "path": path,
        "route": begun.route,
        "status": status,
        "duration_ms": round(took_ms, 2),
        "bytes": size,
    }
    extra = {"fields": for_json}
    if job:
        polls.info("JOB STATUS %s %s %d%%", job.job_id, job.status, job.progress, extra=extra)
    else:
        logger.info(
            "%s %s %d %.1f ms %d bytes", begun.method, path, status, took_ms, size, extra=extra
        )
