"""The log of the real server: ids on every line, nothing secret, one line per request."""

import json
import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
import requests

from tests.conftest import StartServer
from tests.support.client import Client, Json
from tests.support.pdfs import hanging_pdf, photo_pdf, text_pdf
from tests.support.server import ServerProcess
from tests.support.waiting import wait_until

KEYS = ["time", "level", "logger", "message", "request_id", "job_id"]
ACCESS_KEYS = [*KEYS, "method", "path", "route", "status", "duration_ms", "bytes"]
TEXT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|WARNING|ERROR) [a-z_.]+( \[[^\]]+\])?: .+"
)
JSON_LOGS = {"logging.format": "json", "rendering.page_timeout_s": 2, "rendering.processes": 1}


@pytest.fixture(scope="module")
def json_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("json"), JSON_LOGS).start().wait_until_ready()
    yield server
    assert server.stop() == 0
    assert events(server)[-1]["message"] == "stopped"


def events(server: ServerProcess) -> list[Json]:
    """Every complete line of the log so far, as an object."""
    return [json.loads(line) for line in server.log.split("\n")[:-1]]


def test_every_line_of_a_job_says_which_job_and_which_request(json_server: ServerProcess) -> None:
    user = Client(json_server.url, "an")
    file_id = user.upload(text_pdf(3)).json()["file_id"]
    assert user.book_id  # created before the requests have ids
    user.session.headers["X-Request-ID"] = "enqueue-1"
    job_id = user.enqueue(file_id).json()["job_id"]
    user.session.headers["X-Request-ID"] = "poll-1"
    user.end_of(job_id)
    wait_until(lambda: "completed: 3 pages" in json_server.log)
    lines = events(json_server)
    assert all(list(line)[:6] == KEYS for line in lines)
    accepted = [line for line in lines if line["request_id"] == "enqueue-1"]
    assert [(line["method"], line["status"], line["job_id"]) for line in accepted] == [
        ("POST", 202, job_id)
    ]
    assert list(accepted[0]) == ACCESS_KEYS
    polls = [line for line in lines if line["request_id"] == "poll-1"]
    assert {(line["job_id"], line["logger"]) for line in polls} == {(job_id, "wordai_jobs.polls")}
    assert polls[-1]["message"] == f"JOB STATUS {job_id} completed 100%"
    assert polls[-1]["route"] == "/api/v1/books/jobs/<job_id>" and polls[-1]["bytes"] > 100
    ended = [line for line in lines if line["message"] == f"job {job_id} completed: 3 pages"]
    assert [(line["job_id"], line["request_id"]) for line in ended] == [(job_id, None)]


def test_events_of_a_rendering_thread_name_their_job(json_server: ServerProcess) -> None:
    user = Client(json_server.url, "binh")
    job_id = user.submit(hanging_pdf())
    assert user.end_of(job_id)["status"] == "failed"
    slow = [line for line in events(json_server) if "took longer than 2 s" in line["message"]]
    assert slow and {line["job_id"] for line in slow} == {job_id}
    assert {line["logger"] for line in slow} >= {
        "wordai_jobs.rendering.render_thread",
        "wordai_jobs.jobs.threads.pipeline",
    }


def test_each_request_has_one_line(json_server: ServerProcess) -> None:
    user = Client(json_server.url, "chi")
    job_id = user.submit(photo_pdf())
    user.end_of(job_id)
    marks = {}
    for path in (
        f"/api/v1/books/jobs/{job_id}",
        "/api/v1/books/jobs",
        "/health",
        "/nowhere",
        f"/api/v1/books/jobs/{uuid4()}",
    ):
        mark = uuid4().hex
        marks[mark] = path
        assert user.get(path, headers={"X-Request-ID": mark}).headers["X-Request-ID"] == mark
    written = [line for line in events(json_server) if line["request_id"] in marks]
    assert [marks[line["request_id"]] for line in written] == list(marks.values())
    assert [line["path"] for line in written] == list(marks.values())
    assert [line["status"] for line in written] == [200, 200, 200, 404, 404]


def test_neither_tokens_nor_signatures_nor_contents_are_logged(json_server: ServerProcess) -> None:
    user = Client(json_server.url, "dung")
    token = str(user.session.headers["Authorization"]).removeprefix("Bearer ")
    job = user.end_of(user.submit(text_pdf(1), title="My secret title"))
    address = user.chapter(job)["pages"][0]["background_url"]
    assert requests.get(user.url + address, timeout=10).ok
    foreign = {"Authorization": f"Bearer {token}x"}
    assert requests.get(f"{user.url}/api/v1/books", headers=foreign, timeout=10).status_code == 401
    assert requests.get(f"{user.url}/nowhere?token={token}", timeout=10).status_code == 404
    wait_until(lambda: "/nowhere" in json_server.log)
    for secret in (token, address.partition("signature=")[2], "lorem", "My secret title"):
        assert secret not in json_server.log


def test_a_file_name_or_url_cannot_forge_a_line(start_server: StartServer) -> None:
    server = start_server()
    user = Client(server.url, "em")
    forged = "\n2026-01-01T00:00:00.000Z INFO wordai_jobs.access: forged"
    file_id = user.upload(photo_pdf(), f"a{forged}.pdf").json()["file_id"]
    user.end_of(user.enqueue(file_id).json()["job_id"])
    for path in ("%0a2026-01-01T00:00:00.000Z INFO x: forged", "%e2%80%a8forged", "%1b[31mforged"):
        assert user.get(f"/{path}").status_code == 404
        assert user.get(f"/api/v1/books/jobs/{path}").status_code == 404
    assert server.stop() == 0
    lines = server.log.split("\n")[:-1]
    assert [line for line in lines if not TEXT.fullmatch(line)] == []
    assert sum("forged" in line for line in lines) == 6
    assert lines == server.log.splitlines()


def test_lines_of_polls_can_be_turned_off_but_not_their_errors(start_server: StartServer) -> None:
    server = start_server({"logging.polls": False})
    user = Client(server.url, "giang")
    job_id = user.submit(photo_pdf())
    user.end_of(job_id)
    assert user.get("/api/v1/books/jobs/none").status_code == 404
    wait_until(lambda: "GET /api/v1/books/jobs/none 404" in server.log)
    assert "JOB STATUS" not in server.log


def test_at_level_warning_ordinary_requests_are_silent(start_server: StartServer) -> None:
    server = start_server({"logging.level": "warning"})
    user = Client(server.url, "hoa")
    user.end_of(user.submit(photo_pdf()))
    assert server.stop() == 0
    assert server.log == ""
