"""One log line a request, its id, and its place in the statistics. The query string is never
logged: it may be signed.
"""

import logging
import random
import re
import time
from typing import Any

from flask import Flask, Response, g, request

from wordai_jobs import logs
from wordai_jobs.database.availability import answers_request
from wordai_jobs.metrics.http import HttpMetrics
from wordai_jobs.model.job import Job

_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
_LONGEST_PATH = 500

logger = logging.getLogger("wordai_jobs.access")
polls = logging.getLogger(logs.POLLS)


def register(app: Flask, metrics: HttpMetrics) -> None:
    """Give every request its id and its line. Registered before everything else, so that it sees
    the finished answer.
    """

    @app.before_request
    def begin() -> None:
        answers_request.set(True)
        g.began_at = time.perf_counter()
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"
        logs.begin_request(g.request_id, (request.view_args or {}).get("job_id"))

    @app.after_request
    def complete(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        took_s = time.perf_counter() - g.began_at
        _log(response, took_s * 1000)
        _measure(metrics, response, took_s)
        return response

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        logs.end_request()
        answers_request.set(False)


def is_poll_of(job: Job) -> None:
    """The request asks how this job stands: its line is `JOB STATUS <job_id> <status>
    <progress>%`.
    """
    g.polled_job = job


def _log(response: Response, took_ms: float) -> None:
    job: Job | None = g.get("polled_job")
    is_poll = job is not None and response.status_code < 400
    if not (polls if is_poll else logger).isEnabledFor(logging.INFO):
        return
    extra = {"fields": _fields(response, took_ms)}
    if job and is_poll:
        polls.info("JOB STATUS %s %s %d%%", job.job_id, job.status, job.progress, extra=extra)
    else:
        logger.info(
            "%s %s %d %.1f ms %d bytes",
            request.method,
            request.path[:_LONGEST_PATH],
            response.status_code,
            took_ms,
            response.content_length or 0,
            extra=extra,
        )


def _measure(metrics: HttpMetrics, response: Response, took_s: float) -> None:
    metrics.answered(_route(), request.method, response.status_code, took_s)
    if "polled_job" in g:
        metrics.polled(took_s)


def _route() -> str | None:
    """The template that the address matched: there are few of them, whatever clients ask for."""
    return request.url_rule.rule if request.url_rule else None


def _fields(response: Response, took_ms: float) -> dict[str, Any]:
    """What the line says, for logs in JSON."""
    return {
        "method": request.method,
        "path": request.path[:_LONGEST_PATH],
        "route": _route(),
        "status": response.status_code,
        "duration_ms": round(took_ms, 2),
        "bytes": response.content_length or 0,
    }
