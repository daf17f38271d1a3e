"""`wordai_jobs.client` with the real server, through a network with faults."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import StartServer
from tests.support import client as plain
from tests.support.pdfs import encrypted_pdf, hanging_pdf, photo_pdf, text_pdf
from tests.support.processes import freeze_the_busy_renderer
from tests.support.proxy import LOSE_RESPONSE, Proxy, proxy_to
from tests.support.server import ServerProcess, free_port
from tests.support.waiting import wait_until
from wordai_jobs.client import (
    AccessDenied,
    Busy,
    Client,
    ClientError,
    Conflict,
    Job,
    JobStatus,
    NotAuthenticated,
    NotFound,
    Part,
    Refused,
    ServerFault,
    Unreachable,
    WaitTimeout,
    dev_token,
)

pytestmark = pytest.mark.long_file(25)


@pytest.fixture
def user(server: ServerProcess) -> Iterator[Client]:
    with client_of(server.url) as client:
        yield client


@pytest.fixture
def proxy(server: ServerProcess) -> Iterator[Proxy]:
    with proxy_to(server.url) as proxy:
        yield proxy


def client_of(url: str) -> Client:
    return Client(url, dev_token(url, f"user-{uuid4().hex[:8]}"))


def pdf_file(folder: Path, content: bytes, name: str = "document.pdf") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_books_and_chapters_are_changed_and_deleted(user: Client, tmp_path: Path) -> None:
    book_id = user.create_book("Book").book_id
    pdf = pdf_file(tmp_path, text_pdf(2))
    ids = [
        user.wait(user.submit(pdf, book_id, title).job_id).chapter_id or ""
        for title in ("One", "Two", "Three")
    ]
    assert user.rename_book(book_id, "Tome").title == user.book(book_id).title == "Tome"
    user.arrange_chapters(book_id, [ids[2], ids[0]])
    assert [chapter.title for chapter in user.chapters(book_id)] == ["Three", "One", "Two"]
    changed = user.change_chapter(book_id, ids[0], title="Eins", parent_id=ids[2])
    assert (changed.title, changed.parent_id, changed.pages) == ("Eins", ids[2], ())
    with pytest.raises(Conflict, match="slug"):
        user.change_chapter(book_id, ids[0], slug=user.chapter(book_id, ids[1]).slug)
    user.put_position(book_id, ids[0], 2)
    assert user.chapter(book_id, ids[0]).position == 2
    [reading] = user.reading()
    assert (reading.chapter_title, reading.page_number, reading.total_pages) == ("Eins", 2, 2)
    user.delete_chapter(book_id, ids[2])
    assert {chapter.parent_id for chapter in user.chapters(book_id)} == {None}
    user.delete_book(book_id)
    with pytest.raises(NotFound):
        user.book(book_id)


def test_a_pdf_on_disk_becomes_a_chapter_that_can_be_read(user: Client, tmp_path: Path) -> None:
    pdf = pdf_file(tmp_path, text_pdf(3), 'sách "của" tôi.pdf')
    book = user.create_book("Một cuốn sách")
    sent: list[tuple[int, int]] = []
    states: list[Job] = []
    job = user.submit(
        pdf,
        book.book_id,
        "Chương 1",
        on_upload=lambda *progress: sent.append(progress),
        is_published=False,
    )
    done = user.wait(job.job_id, states.append)
    assert done.status is JobStatus.COMPLETED and done.total_pages == 3 and states[-1] == done
    assert sent[-1] == (pdf.stat().st_size, pdf.stat().st_size) and sent == sorted(sent)
    assert [mine.title for mine in user.books()] == ["Một cuốn sách"]
    assert done.chapter_id
    chapter = user.chapter(book.book_id, done.chapter_id)
    assert (chapter.title, chapter.slug, chapter.is_published) == ("Chương 1", "chuong-1", False)
    assert len(chapter.pages) == 3
    page = user.page(book.book_id, chapter.chapter_id, 2)
    assert page.text.startswith("page 2 of 3") and page.words[0][4] == "page"
    assert user.page_image(book.book_id, chapter.chapter_id, 2).startswith(b"\x89PNG")
    thumbnail = user.page_thumbnail(book.book_id, chapter.chapter_id, 2)
    assert thumbnail.startswith(b"\xff\xd8") and chapter.pages[1].thumbnail_url
    completed = user.jobs(status=JobStatus.COMPLETED, book_id=book.book_id)
    assert [found.job_id for found in completed] == [job.job_id]


def test_parts_of_a_pdf_become_chapters_in_their_order(user: Client, tmp_path: Path) -> None:
    file_id = user.upload(pdf_file(tmp_path, text_pdf(5))).file_id
    book_id = user.create_book("Parts").book_id
    parts = [Part("Front", 1, 2), Part("Back", 3, 5)]
    jobs = user.from_outline(file_id, book_id, parts, idempotency_key="parts", is_published=False)
    again = user.from_outline(file_id, book_id, parts, idempotency_key="parts", is_published=False)
    assert [job.job_id for job in again] == [job.job_id for job in jobs]
    jobs.append(user.enqueue(file_id, book_id, "Middle", first_page=3, last_page=3))
    made = [user.chapter(book_id, user.wait(job.job_id).chapter_id or "") for job in jobs]
    assert [(it.title, it.order_index, it.total_pages, it.is_published) for it in made] == [
        ("Front", 0, 2, False),
        ("Back", 1, 3, False),
        ("Middle", 2, 1, True),
    ]


def test_the_name_of_an_upload_arrives_as_it_is(user: Client, tmp_path: Path) -> None:
    file = user.upload(pdf_file(tmp_path, photo_pdf(), "sách của tôi.pdf"))
    assert (file.filename, file.page_count) == ("sách của tôi.pdf", 1)


def test_lists_of_jobs_continue_past_one_response(user: Client, tmp_path: Path) -> None:
    book_id = user.create_book("Many").book_id
    file_id = user.upload(pdf_file(tmp_path, photo_pdf())).file_id
    made = [user.enqueue(file_id, book_id, f"Chapter {number}").job_id for number in range(5)]
    assert [job.job_id for job in user.jobs(limit=None)] == made[::-1]
    assert [job.job_id for job in user.jobs(limit=3)] == made[:1:-1]


def test_an_enqueue_whose_response_is_lost_is_sent_again_and_creates_one_job(
    server: ServerProcess,
    proxy: Proxy,
    tmp_path: Path,
) -> None:
    with client_of(server.url) as direct:
        book_id = direct.create_book("Once").book_id
        file_id = direct.upload(pdf_file(tmp_path, photo_pdf())).file_id
        token = dev_token(server.url, direct.enqueue(file_id, book_id, "Before").user_id)
        with Client(proxy.url, token) as client:
            assert client.books()
            proxy.faults.extend([LOSE_RESPONSE, 502, LOSE_RESPONSE])
            job = client.enqueue(file_id, book_id, "Only once")
        sent = proxy.sent("POST", "/chapters/from-pdf")
        assert [exchange.status for exchange in sent] == [202, 502, 202, 202]
        assert len({exchange.headers["Idempotency-Key"] for exchange in sent}) == 1
        jobs = list(direct.jobs())
        assert len(jobs) == 2 and jobs[0].job_id == job.job_id


def test_what_might_be_done_twice_is_not_sent_again(server: ServerProcess, proxy: Proxy) -> None:
    with (
        client_of(server.url) as direct,
        Client(proxy.url, dev_token(server.url, "somebody")) as client,
    ):
        assert client.books() == [] and direct.books() == []
        proxy.faults.append(502)
        with pytest.raises(ServerFault) as failure:
            client.create_book("Twice?")
        assert failure.value.status == 502 and len(proxy.sent("POST", "/books")) == 1


def test_a_busy_server_is_asked_again_and_trouble_is_reported(
    server: ServerProcess, proxy: Proxy
) -> None:
    troubles: list[tuple[ClientError, float]] = []
    token = dev_token(server.url, f"user-{uuid4().hex[:8]}")
    with Client(proxy.url, token, on_trouble=lambda *trouble: troubles.append(trouble)) as client:
        proxy.faults.extend([429, 503])
        assert client.create_book("Later").title == "Later"
    assert [type(error) for error, _ in troubles] == [Busy, Busy]
    assert all(0 < pause_s <= 10 for _, pause_s in troubles)


def test_polls_keep_to_retry_after_and_ask_only_for_changes(
    server: ServerProcess, proxy: Proxy, tmp_path: Path
) -> None:
    token = dev_token(server.url, f"user-{uuid4().hex[:8]}")
    with Client(server.url, token) as direct, Client(proxy.url, token) as client:
        job = direct.submit(
            pdf_file(tmp_path, hanging_pdf()), direct.create_book("Hangs").book_id, "Hangs"
        )
        wait_until(lambda: direct.job(job.job_id).progress == 30)
        freeze_the_busy_renderer(server.pid)
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(client.wait, job.job_id)
            wait_until(lambda: len(proxy.sent("GET", job.job_id)) >= 2, what="two polls")
            direct.cancel(job.job_id)
            assert waiting.result(30).error == "Cancelled by user"
    first, second = proxy.sent("GET", job.job_id)[:2]
    assert first.retry_after and second.at - first.at >= float(first.retry_after)
    assert "If-None-Match" not in first.headers
    assert second.headers["If-None-Match"] and second.status == 304


def test_waiting_continues_while_the_server_is_killed_and_restarted(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server({"rendering.processes": 1}).wait_until_ready()
    troubles = threading.Event()
    client = Client(
        server.url,
        dev_token(server.url, "somebody"),
        on_trouble=lambda error, pause_s: troubles.set(),
    )
    with client, ThreadPoolExecutor(1) as threads:
        job = client.submit(
            pdf_file(tmp_path, hanging_pdf()), client.create_book("Hangs").book_id, "Hangs"
        )
        waiting = threads.submit(client.wait, job.job_id)
        server.kill()
        wait_until(troubles.is_set, what="a poll that finds no server")
        server.start()
        ended = waiting.result(60)
        assert ended.status is JobStatus.FAILED
        assert ended.error == "Server restarted while the job was running"
        again = client.retry(job.job_id)
        assert again.job_id != job.job_id
        assert client.cancel(again.job_id).error == "Cancelled by user"


def test_waiting_ends_at_once_if_the_job_may_not_be_read(user: Client, alice: plain.Client) -> None:
    with pytest.raises(NotFound) as missing:
        user.wait("no such job?")
    assert (missing.value.status, missing.value.detail) == (404, "Job no such job? not found")
    theirs = alice.submit(photo_pdf())
    with pytest.raises(AccessDenied, match="Access denied to this job"):
        user.wait(theirs)


@pytest.mark.parametrize("token", ["forged", "für\n", None], ids=ascii)
def test_waiting_ends_at_once_without_a_valid_token(
    server: ServerProcess, alice: plain.Client, token: str | None
) -> None:
    job_id = alice.submit(photo_pdf())
    with Client(server.url, token) as stranger, pytest.raises(NotAuthenticated):
        stranger.wait(job_id)


def test_waiting_may_be_limited(user: Client, tmp_path: Path) -> None:
    job = user.submit(pdf_file(tmp_path, hanging_pdf()), user.create_book("Hangs").book_id, "Hangs")
    with pytest.raises(WaitTimeout):
        user.wait(job.job_id, timeout_s=0.2)
    assert not user.job(job.job_id).has_ended
    user.cancel(job.job_id)
    with pytest.raises(Conflict, match="already failed"):
        user.cancel(job.job_id)


def test_a_refusal_is_raised_with_the_server_s_message(user: Client, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="PDF is password protected"):
        user.upload(pdf_file(tmp_path, encrypted_pdf()))
    with pytest.raises(Refused, match="title") as refused:
        user.create_book("")
    assert refused.value.status == 422
    with pytest.raises(FileNotFoundError):
        user.upload(tmp_path / "none.pdf")


def test_a_server_that_never_responded_is_not_waited_for() -> None:
    with (
        Client(f"http://127.0.0.1:{free_port()}", "token") as client,
        pytest.raises(Unreachable, match="Connection refused"),
    ):
        client.books()
    with pytest.raises(ValueError, match="is not the address of a server"):
        Client("wordai.example", "token")


def test_a_netrc_file_does_not_replace_the_token(
    server: ServerProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login mallory password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with client_of(server.url) as client:
        assert client.books() == []


def test_a_token_may_be_a_function_that_renews_it(server: ServerProcess) -> None:
    calls: list[str] = []

    def token() -> str:
        calls.append(dev_token(server.url, "somebody"))
        return calls[-1]

    with Client(server.url, token) as client:
        client.books()
        client.books()
    assert len(calls) == 2


def test_the_client_loads_no_dependency_of_the_server() -> None:
    code = (
        "import sys, wordai_jobs.client; "
        "server = {'flask', 'pymongo', 'pymupdf', 'pydantic', 'firebase_admin', 'click'}; "
        "print(server & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
