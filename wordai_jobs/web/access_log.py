"""The id, the log line and the measurements of every request.

The query string is never logged: it may hold a signature.
"""

import logging
import random
import re
import time

from flask import Flask, Response, g, request

from wordai_jobs import logs
from wordai_jobs.database.availability import handles_request
from wordai_jobs.model.job import Job
from wordai_jobs.web.request_metrics import RequestMetrics

_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
_LONGEST_PATH = 500

logger = logging.getLogger("wordai_jobs.access")
polls = logging.getLogger(logs.POLLS)


def register(app: Flask, metrics: RequestMetrics) -> None:
    """Register this before everything else, so that it sees the finished response."""

    @app.before_request
    def begin() -> None:
        handles_request.set(True)
        g.began_at = time.perf_counter()
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"
        logs.begin_request(g.request_id, (request.view_args or {}).get("job_id"))

    @app.after_request
    def complete(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        took_s = time.perf_counter() - g.began_at
        # The template that the URL matched: there are few of them, whatever clients ask for.
        route = request.url_rule.rule if request.url_rule else None
        _log(response, route, took_s)
        metrics.responded(route, request.method, response.status_code, took_s)
        if "polled_job" in g:
            metrics.polled(took_s)
        return response

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        logs.end_request()
        handles_request.set(False)


def log_as_poll(job: Job) -> None:
    """Log this request, a poll of the job, as `JOB STATUS <job_id> <status> <progress>%`."""
    g.polled_job = job


def _log(response: Response, route: str | None, took_s: float) -> None:
    job: Job | None = g.get("polled_job") if response.status_code < 400 else None
    if not (polls if job else logger).isEnabledFor(logging.INFO):
        return
    method, path = request.method, request.path[:_LONGEST_PATH]
    status, size = response.status_code, response.content_length or 0
    for_json = {
        "method": method,
        "path": path,
        "route": route,
        "status": status,
        "duration_ms": round(took_s * 1000, 2),
        "bytes": size,
    }
    extra = {"fields": for_json}
    if job:
        polls.info("JOB STATUS %s %s %d%%", job.job_id, job.status, job.progress, extra=extra)
    else:
        took_ms = took_s * 1000
        logger.info("%s %s %d %.1f ms %d bytes", method, path, status, took_ms, size, extra=extra)
