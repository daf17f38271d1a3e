"""SIGTERM: no new jobs, polls still answered, every job ended, exit code 0."""

import http.client
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from tests.conftest import StartServer
from tests.integration.conftest import Records
from tests.support.client import Client
from tests.support.held import hanging_job
from tests.support.leftovers import published, staged
from tests.support.pdfs import noise_pdf, photo_pdf, text_pdf
from tests.support.server import ServerProcess, is_listening
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long_file(60)

SHUT_DOWN = "Server was shut down while the job was running"


def test_jobs_that_end_within_the_grace_complete_and_polls_go_on_meanwhile(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    settings = {**shared, "jobs.shutdown_grace_s": 60, "jobs.workers": 1}
    server = start_server(settings).wait_until_ready()
    user = Client(server.url, "somebody")
    file_id = user.upload(photo_pdf()).json()["file_id"]
    jobs = [user.submit(text_pdf(150)) for _ in range(2)]
    signal_stop(server)
    responses: list[requests.Response] = []

    def is_refused() -> bool:
        responses.append(user.enqueue(file_id))
        return responses[-1].status_code == 503

    wait_until(is_refused, what="the end of intake")
    refused = responses[-1]
    assert refused.json() == {"detail": "Server is shutting down"}
    assert refused.headers["Retry-After"]
    assert user.job(jobs[1])["status"] in ("pending", "processing")
    assert wait_for_exit(server) == 0
    check_ended(server, records, jobs, "completed")


def test_jobs_that_do_not_end_within_the_grace_are_failed_with_a_reason(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    settings = {**shared, "jobs.shutdown_grace_s": 1, "jobs.workers": 1}
    server = start_server(settings).wait_until_ready()
    user = Client(server.url, "somebody")
    jobs = [hanging_job(user, server), user.submit(photo_pdf())]
    signal_stop(server)
    assert wait_for_exit(server) == 0
    check_ended(server, records, jobs, "failed", SHUT_DOWN)


def test_a_second_signal_cuts_the_grace_short(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    server = start_server({**shared, "jobs.shutdown_grace_s": 600}).wait_until_ready()
    user = Client(server.url, "somebody")
    job_id = hanging_job(user, server)
    signal_stop(server)
    wait_until(lambda: "stopping" in server.log)
    signal_stop(server, signal.SIGINT)
    assert wait_for_exit(server) == 0
    check_ended(server, records, [job_id], "failed", SHUT_DOWN)


def test_a_taken_port_stops_the_start_with_one_clear_line(start_server: StartServer) -> None:
    first = start_server()
    second = ServerProcess(first.folder / "second", {"server.port": first.port})
    assert f"Cannot listen on 127.0.0.1:{first.port}" in second.refusal()
    assert second.log.count("\n") == 1, second.log


def signal_stop(server: ServerProcess, number: int = signal.SIGTERM) -> None:
    assert server.process
    server.process.send_signal(number)


def wait_for_exit(server: ServerProcess) -> int:
    assert server.process
    return server.process.wait(60)


def check_ended(
    server: ServerProcess, records: Records, jobs: list[str], status: str, error: str | None = None
) -> None:
    """How the jobs ended is recorded, and their pages are on disk, or nothing of them is."""
    found = [records["pdf_chapter_jobs"].find_one({"job_id": job_id}) or {} for job_id in jobs]
    assert [(job.get("status"), job.get("error")) for job in found] == [(status, error)] * len(jobs)
    assert staged(server.data) == []
    completed = {job["chapter_id"]: job["total_pages"] for job in found if status == "completed"}
    assert sorted(completed) == published(server.data)
    for chapter_id, pages in completed.items():
        words = list((server.data / "chapters" / chapter_id).glob("[0-9]*.json"))
        assert len(words) == pages
        chapter = {"chapter_id": chapter_id, "total_pages": pages}
        assert records["book_chapters"].count_documents(chapter) == 1


def test_no_poll_is_answered_with_an_error_while_the_server_stops(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    settings = {**shared, "jobs.shutdown_grace_s": 60, "jobs.workers": 1}
    server = start_server(settings).wait_until_ready()
    user = Client(server.url, "somebody")
    job_id = user.submit(text_pdf(100))
    signal_stop(server)
    statuses: set[int] = set()
    try:
        while True:  # until nobody is there to answer
            statuses.add(user.get(f"/api/v1/books/jobs/{job_id}").status_code)
    except requests.ConnectionError:
        assert statuses == {200}
    assert wait_for_exit(server) == 0
    check_ended(server, records, [job_id], "completed")


def test_a_stop_amid_requests_leaves_no_error_in_the_log(start_server: StartServer) -> None:
    server = start_server({"logging.level": "warning"})
    users = [Client(server.url, "somebody") for _ in range(6)]
    statuses: dict[Client, set[int]] = {}

    def ask_until_nobody_answers(user: Client) -> None:
        with suppress(requests.ConnectionError):
            while True:
                status = user.get("/api/v1/books").status_code
                statuses.setdefault(user, set()).add(status)

    with ThreadPoolExecutor(len(users)) as threads:
        asking = [threads.submit(ask_until_nobody_answers, user) for user in users]
        wait_until(lambda: len(statuses) == len(users))
        assert server.stop() == 0
        for one in asking:
            one.result()
    assert list(statuses.values()) == [{200}] * len(users)
    assert server.log == ""


def test_a_response_that_is_read_slowly_goes_out_whole_before_a_stop(
    start_server: StartServer,
) -> None:
    server = start_server({"rendering.dpi": 300})
    with large_response(server) as response:
        signal_stop(server)
        wait_until(lambda: not is_listening(server.port))
        assert len(response.read()) == int(response.headers["Content-Length"])
    assert wait_for_exit(server) == 0


def test_a_client_that_does_not_read_its_response_does_not_hold_up_a_stop(
    start_server: StartServer,
) -> None:
    server = start_server({"rendering.dpi": 300})
    with large_response(server):
        assert server.stop() == 0


@contextmanager
def large_response(server: ServerProcess) -> Iterator[http.client.HTTPResponse]:
    """A response that is too large for the connection's buffers; only its headers are read."""
    user = Client(server.url, "somebody")
    path = user.chapter(user.end_of(user.submit(noise_pdf(800, 1100))))["pages"][0][
        "background_url"
    ]
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert int(response.headers["Content-Length"]) > 2 * connection_buffer_bytes()
        yield response


def connection_buffer_bytes() -> int:
    """The most that the kernel keeps of what is sent and has not been received."""
    return int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
