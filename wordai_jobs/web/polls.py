"""Responds to status polls before Flask, which would take most of the time.

Clients repeat one request, `GET /api/v1/books/jobs/{job_id}`. If its token has been verified before
and its job is in memory, the functions that make the response are called at once. Flask gets every
other request. `tests/integration/test_polls.py` compares the two.
"""

import re
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from wordai_jobs.auth.verifier import bearer_token
from wordai_jobs.errors import AppError
from wordai_jobs.model.job import Job
from wordai_jobs.web.access_log import AccessLog
from wordai_jobs.web.authentication import check_is_of_this_machine
from wordai_jobs.web.error_responses import REFUSED_KEY
from wordai_jobs.web.jobs import STATUS_ROUTE, job_headers
from wordai_jobs.web.json import encoded
from wordai_jobs.web.response_bodies.jobs import job_body
from wordai_jobs.web.response_headers import CommonHeaders, for_caching
from wordai_jobs.web.services import Services

_PATH = re.compile(STATUS_ROUTE.replace("<job_id>", "([0-9a-f-]{36})"))
# Flask refuses a few hosts, and none of these.
_HOST = re.compile(r"(?!.{64})([A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+(:[0-9]+)?|\[[0-9a-f:]+\](:[0-9]+)?")


class Polls:
    """WSGI middleware in front of Flask."""

    def __init__(
        self, flask: WSGIApplication, services: Services, common: CommonHeaders, log: AccessLog
    ) -> None:
        self._flask = flask
        self._services = services
        self._common = common
        self._log = log

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        job = self._polled_job(environ)
        if job is None:
            return self._flask(environ, start_response)
        given_id, path = environ.get("HTTP_X_REQUEST_ID"), environ["PATH_INFO"]
        begun = self._log.begin(given_id, "GET", path, STATUS_ROUTE, job.job_id)
        try:
            body = encoded(job_body(job))
            caching, is_unchanged = for_caching(body, environ)
            headers = {
                **job_headers(job, self._services.jobs),
                **self._common.of(environ.get("HTTP_ORIGIN")),
                **caching,
                "X-Request-ID": begun.request_id,
            }
            if is_unchanged:
                status, sent = "304 NOT MODIFIED", []
            else:
                status, sent = "200 OK", [body]
                headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
            self._log.complete(begun, int(status[:3]), len(body), job)
            start_response(status, list(headers.items()))
            return sent
        finally:
            self._log.end()

    def _polled_job(self, environ: WSGIEnvironment) -> Job | None:
        """The job if this is a poll of it by its owner; None if Flask has to find out."""
        found = _PATH.fullmatch(environ["PATH_INFO"])
        if not found or environ["REQUEST_METHOD"] != "GET":
            return None
        is_usual = _HOST.fullmatch(environ.get("HTTP_HOST", "")) and "HTTP_UPGRADE" not in environ
        if not is_usual or REFUSED_KEY in environ or not self._services.is_open():
            return None
        job = self._services.jobs.in_memory(found[1])
        if job is None:
            return None
        try:
            if self._services.dev_tokens:
                check_is_of_this_machine(environ)
            caller = self._services.verifier.known(bearer_token(environ.get("HTTP_AUTHORIZATION")))
        except AppError:
            return None
        return job if caller and caller.user_id == job.user_id else None
