"""Status polls: what responds to them in Flask's place responds, logs and counts as Flask does."""

import io
import json
import logging
import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask, request_started
from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser
from waitress.task import WSGITask
from werkzeug.test import TestResponse

from tests.support.databases import own_database
from tests.support.firebase import PROJECT, Google
from tests.support.pdfs import hanging_pdf, text_pdf
from tests.support.processes import freeze_the_busy_renderer
from tests.support.waiting import wait_until
from wordai_jobs import logs
from wordai_jobs.app import backend, create_app
from wordai_jobs.auth.verifier import DEV_TOKEN_MAX_AGE_S
from wordai_jobs.config import parse_config
from wordai_jobs.errors import Unauthenticated
from wordai_jobs.web.error_responses import REFUSED_KEY
from wordai_jobs.web.services import EXTENSION, Services

pytestmark = pytest.mark.long_file(60)

REQUESTS, BATCH = int(os.environ.get("SOAK_POLLS", "800")), 100
ORIGINS = ["https://app.example", "http://[::1]:3000"]
JOBS = "/api/v1/books/jobs"
COUNTED = (
    "wordai_jobs_http_requests_total",
    "wordai_jobs_http_request_duration_seconds_count",
    "wordai_jobs_poll_duration_seconds_count",
)


class Site:
    """An application with jobs of alice and bob in every state; none of them changes any more."""

    def __init__(self, app: Flask, tokens: dict[str, str]) -> None:
        self.app = app
        self.services: Services = app.extensions[EXTENSION]
        self.tokens = tokens
        self.users: dict[str, str] = {}
        self.jobs = {
            "completed": self.enqueue("alice", text_pdf(1)),
            "bob's completed": self.enqueue("bob", text_pdf(1)),
        }
        for job_id in self.jobs.values():
            self.wait_for("completed", job_id)
        self.jobs["running"] = self.enqueue("alice", hanging_pdf())
        self.wait_for("Extracting pages", self.jobs["running"])
        freeze_the_busy_renderer(os.getpid())
        for name in ("first in the queue", "bob's second", "third", "failed"):
            owner = "bob" if name.startswith("bob") else "alice"
            self.jobs[name] = self.enqueue(owner, text_pdf(1))
        self.ask("POST", f"{JOBS}/{self.jobs['failed']}/cancel", "alice")
        self.etags = {name: self.poll(job_id).headers["ETag"] for name, job_id in self.jobs.items()}
        self.jobs |= {"unknown": str(uuid4()), "not an id": "x"}
        self.etags |= {"unknown": '"none"', "not an id": '"none"'}

    def ask(self, method: str, path: str, user: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.tokens[user]}"}
        response = self.app.test_client().open(path, method=method, headers=headers, **options)
        assert response.status_code < 400, response.text
        return response

    def enqueue(self, user: str, pdf: bytes) -> str:
        book = self.ask("POST", "/api/v1/books", user, json={"title": "A book"})
        form = {"title": "A chapter", "file": (io.BytesIO(pdf), "document.pdf")}
        path = f"/api/v1/books/{json.loads(book.text)['book_id']}/chapters/from-pdf"
        job_id = str(json.loads(self.ask("POST", path, user, data=form).text)["job_id"])
        self.users[job_id] = user
        return job_id

    def poll(self, job_id: str) -> TestResponse:
        return self.ask("GET", f"{JOBS}/{job_id}", self.users[job_id])

    def wait_for(self, text: str, job_id: str) -> None:
        wait_until(lambda: text in self.poll(job_id).text, what=text)

    def is_refused(self, token: str) -> bool:
        try:
            return not self.services.verifier.verify(token)
        except Unauthenticated:
            return True


@pytest.fixture(params=["dev", "firebase"])
def site(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    google = Google(tmp_path)
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    database = own_database()
    project = {"firebase_project_id": PROJECT} if request.param == "firebase" else {}
    app = create_app(
        parse_config(
            {
                "storage": {"data_dir": str(tmp_path / "data")},
                "mongodb": {key.removeprefix("mongodb."): it for key, it in database.items()},
                "auth": {"mode": request.param, **project},
                "cors": {"origins": ORIGINS},
                "jobs": {"workers": 1, "timeout_s": 3600},
                "rendering": {"processes": 1, "page_timeout_s": 3600},
            }
        )
    )
    backend(app).start()
    try:
        yield Site(app, tokens_of(app, google))
    finally:
        for name in ("wordai_jobs", logs.POLLS):
            logging.getLogger(name).setLevel(logging.NOTSET)
        backend(app).stop(grace_s=0)
        google.close()


def tokens_of(app: Flask, google: Google) -> dict[str, str]:
    """Tokens of alice and bob, and one of alice that is known to be good, but not for long."""
    services: Services = app.extensions[EXTENSION]
    dev_tokens = services.dev_tokens
    tokens = {
        user: dev_tokens.sign(user) if dev_tokens else google.token(user)
        for user in ("alice", "bob")
    }
    services.verifier.verify(tokens["alice"])  # fetches the certificates of Google
    if dev_tokens:
        with pytest.MonkeyPatch.context() as patch:
            then = time.time() - DEV_TOKEN_MAX_AGE_S + 5
            patch.setattr(time, "time", lambda: then)
            tokens["lapsing"] = dev_tokens.sign("alice")
    else:
        # It is taken for 10 s more, because the clocks of Google and this machine may differ.
        tokens["lapsing"] = google.token("alice", exp=int(time.time()) - 5)
    services.verifier.verify(tokens["lapsing"])
    return tokens


@dataclass(frozen=True)
class Sent:
    """A request, and the state of the server in which it comes."""

    job: str
    method: str
    target: str
    headers: dict[str, str]
    address: str
    version: str
    is_open: bool
    is_remembered: bool
    are_polls_logged: bool
    refused: int | None

    def environ(self) -> dict[str, Any]:
        """As waitress makes it."""
        lines = [f"{self.method} {self.target} HTTP/{self.version}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        settings = Adjustments(clear_untrusted_proxy_headers=False)
        parser = HTTPRequestParser(settings)
        parser.received(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        assert parser.completed and not parser.error, (lines, vars(parser.error))
        server = SimpleNamespace(adj=settings, effective_port=8000, server_name="localhost")
        channel = SimpleNamespace(
            addr=(self.address, 50_000), server=server, check_client_disconnected=None
        )
        environ: dict[str, Any] = WSGITask(channel, parser).get_environment()
        if self.refused:
            environ[REFUSED_KEY] = self.refused
        return environ


def random_request(draw: random.Random, site: Site) -> Sent:
    """Most parts are as usual, so that many requests differ from a poll in one part only."""

    def either(usual: Any, *unusual: Any) -> Any:
        return usual if draw.random() < 0.85 else draw.choice(unusual)

    job = draw.choice(list(site.jobs))
    job_id, etag = site.jobs[job], site.etags[job]
    poll = f"{JOBS}/{job_id}"
    token = site.tokens["bob" if job.startswith("bob") else "alice"]
    headers = {
        "Authorization": either(
            f"Bearer {token}",
            None,
            f"bearer   {token} ",
            f"Bearer {site.tokens['bob']}",
            f"Bearer {site.tokens['lapsing']}",
            f"Bearer {token[:-1]}",
            f"Bearer {token} {token}",
            f"Basic {token}",
            "Bearer",
            "Bearer \xe9",
            "Bearer " + "x" * 9000,
        ),
        "Host": either(
            "127.0.0.1:8000",
            None,
            "localhost",
            "[::1]:8000",
            "LOCALHOST:80",
            "evil.example",
            "127.0.0.1, evil.example",
            "a_b.example:1",
            "a..b",
            ".",
            "localhost.",
            "x" * 63,
            "x" * 64,
            "x" * 60 + ":8000",
            "[fe80::1%25eth0]",
            "[::1",
            "\xe9",
            "a b",
            "",
        ),
        "Origin": draw.choice(
            [None, *ORIGINS, "null", "https://evil.example", ORIGINS[0].upper(), "*", ""]
        ),
        "If-None-Match": draw.choice(
            [
                None,
                None,
                etag,
                f"W/{etag}",
                f'"other", {etag}',
                f"x,,{etag}",
                etag.strip('"'),
                '"other"',
                'W/"other"',
                "*",
                f"*, {etag}",
                "",
                '"',
            ]
        ),
        "X-Request-ID": either(None, "trace-1.a_B", "a b", "x" * 64, "x" * 65, "\xe9", ""),
        "X-Forwarded-For": either(None, "127.0.0.1", "::1, 127.0.0.1:99", "10.0.0.5", "", "x"),
        "X-Forwarded-Host": either(None, "localhost:1", "evil.example", ""),
    }
    headers |= either(
        {},
        {"If-Match": etag},
        {"If-Match": '"other"'},
        {"If-Modified-Since": "Thu, 26 Nov 2026 00:00:00 GMT"},
        {"Range": "bytes=0-5"},
        {"Range": "bytes=9999999-", "If-Range": etag},
        {"Upgrade": "websocket", "Connection": "Upgrade"},
        {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings"},
        {"Access-Control-Request-Method": "GET"},
        {"Access-Control-Request-Private-Network": "true"},
        {"Accept": "text/html", "Cookie": "session=x", "Content-Type": "application/json"},
        {"X-HTTP-Method-Override": "DELETE", "X-Original-URL": "/health"},
    )
    return Sent(
        job=job,
        method=either("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "BREW"),
        target=either(
            poll,
            f"{poll}?a=1&job_id=x",
            f"{poll}?",
            f"{poll}/",
            f"{poll}//",
            f"/{poll}",
            f"{poll}/pages",
            f"{poll}/nothing",
            f"{poll};a=1",
            f"{poll}%0a",
            f"{poll}%00",
            f"{poll}x",
            f"{JOBS}/%{ord(job_id[0]):02x}{job_id[1:]}",
            f"{JOBS}/{job_id.upper()}",
            f"{JOBS}/{job_id[:-1]}",
            f"{JOBS}%2f{job_id}",
            f"{JOBS}//{job_id}",
            f"{JOBS}/./{job_id}",
            f"{JOBS}/%e9%c3%a9",
            f"http://other.example{poll}",
            JOBS,
        ),
        headers={name: value for name, value in headers.items() if value is not None},
        address=either("127.0.0.1", "::1", "10.0.0.5"),
        version=either("1.1", "1.0"),
        is_open=draw.random() > 0.02,
        is_remembered=draw.random() > 0.05,
        are_polls_logged=draw.random() > 0.05,
        refused=431 if draw.random() < 0.02 else None,
    )


class Lines(logging.Handler):
    """The lines that this thread logs, in both formats, without times."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()
        self._text, self._json = logs._TextLines(), logs._JsonLines()
        self.lines: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        if threading.get_ident() == self._thread:
            text, fields = self._text.format(record), json.loads(self._json.format(record))
            for name in ("time", "duration_ms"):
                if name in fields:
                    fields[name] = "a moment"
            fields["message"] = without_times(fields["message"])
            self.lines += [without_times(text), list(fields.items())]


def without_times(text: str) -> str:
    return re.sub(r"\d{4}-\S+Z |\b\d+\.\d ms", "", text)


@dataclass(frozen=True)
class Seen:
    """All that a request leaves behind, but for how long it took."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes
    lines: list[Any]
    is_by_flask: bool = field(compare=False)


def counts(app: Flask) -> Counter[Any]:
    registry = app.extensions[EXTENSION].registry.restricted_registry(COUNTED)
    return Counter(
        {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for metric in registry.collect()
            for sample in metric.samples
        }
    )


def handled(site: Site, application: Any, sent: Sent) -> Seen:
    """What the application, which is Flask's own or all of it, makes of the request."""
    backend(site.app).is_open = sent.is_open
    if not sent.is_remembered:
        site.services.jobs._ended._kept.drop(site.jobs[sent.job])
    logging.getLogger(logs.POLLS).setLevel(logging.INFO if sent.are_polls_logged else "WARNING")
    log, started, by_flask = Lines(), [], []
    logging.getLogger("wordai_jobs").addHandler(log)
    with request_started.connected_to(lambda app, **_: by_flask.append(app), site.app):
        chunks: Iterable[bytes] = application(
            sent.environ(), lambda status, headers: started.append((status, sorted(headers)))
        )
        body = b"".join(chunks)
        if hasattr(chunks, "close"):
            chunks.close()
    logging.getLogger("wordai_jobs").removeHandler(log)
    assert (logs._request_id.get(), logs.current_job()) == (None, None)
    [(status, headers)] = started
    return Seen(status, headers, body, log.lines, bool(by_flask))


def test_a_poll_is_handled_as_flask_handles_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    wait_until(lambda: site.is_refused(site.tokens["lapsing"]), what="the token's expiry")
    monkeypatch.setattr(random, "getrandbits", lambda bits: 7)
    logging.getLogger("wordai_jobs").setLevel(logging.INFO)
    draw, without_flask = random.Random(20), Counter[tuple[str, str]]()
    for _ in range(REQUESTS // BATCH):
        batch = [random_request(draw, site) for _ in range(BATCH)]
        before = counts(site.app)
        by_flask = [handled(site, partial(Flask.wsgi_app, site.app), sent) for sent in batch]
        between = counts(site.app)
        by_all = [handled(site, site.app.wsgi_app, sent) for sent in batch]
        for sent, seen, as_flask in zip(batch, by_all, by_flask, strict=True):
            assert seen == as_flask, sent
            if not seen.is_by_flask:
                without_flask[sent.job, seen.status] += 1
        assert counts(site.app) - between == between - before
    assert set(without_flask) == {
        (job, status)
        for job in site.jobs
        if job not in ("unknown", "not an id")
        for status in ("200 OK", "304 NOT MODIFIED")
    }
    assert without_flask.total() > REQUESTS / 10, without_flask
