"""Page images of other resolutions than the stored one, rendered when they are asked for."""

import io
import re
import select
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
import requests
from PIL import Image

from tests.conftest import StartServer
from tests.support import processes
from tests.support.client import Client, Json
from tests.support.disks import fill
from tests.support.hostile import many_pages_pdf
from tests.support.pdfs import hanging_pages_pdf, hanging_pdf, noise_pdf, stuck_pdf, text_pdf
from tests.support.server import ServerProcess
from tests.support.waiting import wait_until
from wordai_jobs.client import Client as ApiClient
from wordai_jobs.library.images import MOST_WAITING

pytestmark = pytest.mark.long_file(30)

BUSY = "Too many images are being rendered, try again soon"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that gives a page one second, and keeps one megabyte of images."""
    settings = {"rendering.page_timeout_s": 1, "storage.image_cache_mb": 1}
    server = ServerProcess(tmp_path_factory.mktemp("strict"), settings).start().wait_until_ready()
    yield server
    assert server.stop() == 0


@pytest.fixture
def reader(strict: ServerProcess) -> Client:
    return Client(strict.url, f"user-{uuid4().hex[:8]}")


def chapter_of(user: Client, pdf: bytes, **fields: object) -> Json:
    job = user.end_of(user.submit(pdf, **fields))
    assert job["status"] == "completed", job
    return user.chapter(job)


def replace_pdf(server: ServerProcess, pdf: bytes | None) -> None:
    """Replace the PDF that was uploaded last; None removes it."""
    newest = max((server.data / "uploads").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    newest.write_bytes(pdf) if pdf else newest.unlink()


def cached(data: Path, beginning: str = "") -> list[Path]:
    return [path for path in (data / "images").iterdir() if path.name.startswith(beginning)]


def rendered(server: ServerProcess) -> float:
    """How many images the server has rendered so far."""
    text = requests.get(f"{server.url}/metrics", timeout=30).text
    found = re.search(r'^wordai_jobs_image_requests_total\{outcome="rendered"\} (.*)$', text, re.M)
    assert found
    return float(found[1])


def size(image: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(image)).size


def test_an_image_comes_in_the_resolution_that_is_asked_for(
    server: ServerProcess, alice: Client
) -> None:
    page = chapter_of(alice, text_pdf(2))["pages"][1]
    stored = alice.get(page["background_url"]).content
    for dpi, factor in ((75, 0.5), (150, 1), (300, 2)):
        # The signature of the stored image is good for the others, so no token is needed.
        address = f"{server.url}{page['background_url']}&dpi={dpi}"
        image = requests.get(address, timeout=30)
        assert image.status_code == 200, image.text
        wanted = page["width"] * factor, page["height"] * factor
        assert size(image.content) == pytest.approx(wanted, abs=1)
        assert image.headers["Content-Type"] == "image/png"
        assert image.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert (image.content == stored) == (dpi == 150)
        again = requests.get(address, headers={"If-None-Match": image.headers["ETag"]}, timeout=30)
        assert again.status_code == 304


def test_an_image_of_a_part_is_that_of_the_page_in_the_part(alice: Client) -> None:
    pages = chapter_of(alice, stuck_pdf(0, 2), first_page=2)["pages"]
    whole = chapter_of(alice, text_pdf(2))["pages"]
    for page, same in zip(pages, whole, strict=True):
        images = [alice.get(f"{each['background_url']}&dpi=75").content for each in (page, same)]
        assert images[0] == images[1]


def test_the_client_gets_it_too(server: ServerProcess, alice: Client) -> None:
    chapter = chapter_of(alice, text_pdf(1))
    with ApiClient(server.url, alice.token) as client:
        image = client.page_image(alice.book_id, chapter["chapter_id"], 1, dpi=75)
    assert size(image)[0] == chapter["pages"][0]["width"] // 2


@pytest.mark.parametrize("dpi", ["100", "0", "-75", "", "x", "٧٥", "99999999999"])
def test_another_resolution_is_refused(alice: Client, dpi: str) -> None:
    page = chapter_of(alice, text_pdf(1))["pages"][0]
    refused = alice.get(f"{page['background_url']}&dpi={dpi}")
    assert refused.status_code == 422 and refused.json()["detail"].startswith("dpi must be ")


def test_the_resolution_of_the_chapter_is_the_stored_image_whatever_is_configured_now(
    start_server: StartServer, shared: dict[str, str], tmp_path: Path
) -> None:
    settings = {**shared, "storage.data_dir": str(tmp_path / "data")}
    first = start_server({**settings, "rendering.dpi": 90})
    user = Client(first.url, "somebody")
    page = chapter_of(user, text_pdf(1))["pages"][0]
    assert user.get(f"{page['background_url']}&dpi=90").status_code == 200
    assert first.stop() == 0
    user = Client(start_server(settings).url, "somebody")
    images = [
        user.get(f"{page['background_url'].partition('?')[0]}{query}")
        for query in ("", "?dpi=90", "?dpi=150")
    ]
    assert images[0].content == images[1].content
    assert size(images[2].content) == (1240, 1755)


def test_requests_for_one_image_at_once_render_it_once(
    server: ServerProcess, alice: Client
) -> None:
    page = chapter_of(alice, text_pdf(1))["pages"][0]
    before, barrier = rendered(server), threading.Barrier(5)

    def get(_: int) -> bytes:
        barrier.wait(30)
        return requests.get(f"{server.url}{page['background_url']}&dpi=300", timeout=30).content

    with ThreadPoolExecutor(5) as threads:
        images = set(threads.map(get, range(5)))
    assert len(images) == 1 and rendered(server) == before + 1


def test_a_deleted_chapter_leaves_no_image(server: ServerProcess, alice: Client) -> None:
    chapter = chapter_of(alice, text_pdf(1))
    address = f"{chapter['pages'][0]['background_url']}&dpi=75"
    assert (
        alice.get(address).status_code == 200
        and len(cached(server.data, chapter["chapter_id"])) == 1
    )
    path = f"/api/v1/books/{alice.book_id}/chapters/{chapter['chapter_id']}"
    assert alice.request("DELETE", path).status_code == 204
    assert cached(server.data, chapter["chapter_id"]) == []
    gone = requests.get(f"{server.url}{address}", timeout=30)
    assert (gone.status_code, gone.json()) == (404, {"detail": "Page 1 not found"})


def test_a_page_of_a_running_job_can_be_had_as_it_is_stored_only(alice: Client) -> None:
    job_id = alice.submit(stuck_pdf(before=1, pages=1))
    address = f"/api/v1/books/jobs/{job_id}/pages"
    [page, *_] = wait_until(lambda: alice.get(address).json()["pages"], what="a page")
    assert alice.get(page["background_url"]).status_code == 200
    refused = alice.get(f"{page['background_url']}&dpi=300")
    assert (refused.status_code, refused.json()) == (
        409,
        {"detail": "The chapter is not complete yet"},
    )
    assert alice.post(f"/api/v1/books/jobs/{job_id}/cancel").status_code == 200


def test_without_its_pdf_a_chapter_has_its_stored_images_only(
    server: ServerProcess, alice: Client
) -> None:
    page = chapter_of(alice, text_pdf(1))["pages"][0]
    replace_pdf(server, None)
    refused = alice.get(f"{page['background_url']}&dpi=300")
    assert refused.status_code == 404 and refused.json()["detail"].startswith("File file_")
    assert alice.get(page["background_url"]).status_code == 200


@contextmanager
def asking(server: ServerProcess, *addresses: str) -> Iterator[list[socket.socket]]:
    """Connections with one request each, closed at the end of the block."""
    with ExitStack() as stack:
        connections = []
        for address in addresses:
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
            connections.append(stack.enter_context(connection))
            connection.sendall(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        yield connections


def test_requests_beyond_the_limit_are_refused_and_given_up_ones_make_room(
    server: ServerProcess, alice: Client
) -> None:
    pages = chapter_of(alice, text_pdf(MOST_WAITING + 1))["pages"]
    addresses = [f"{page['background_url']}&dpi=300" for page in pages]
    replace_pdf(server, hanging_pages_pdf(MOST_WAITING + 1))
    with asking(server, *addresses) as connections:
        [refused, *_], _, _ = select.select(connections, [], [], 30)
        response = refused.recv(65536).decode()
        assert response.startswith("HTTP/1.1 503 ") and "Retry-After: 5" in response
        assert BUSY in response
        assert requests.get(f"{server.url}/health/ready", timeout=10).ok
        assert alice.get(pages[0]["background_url"]).status_code == 200
    wait_until(lambda: "is not wanted any more" in server.log, what="the page to be given up")
    replace_pdf(server, text_pdf(MOST_WAITING + 1))
    wait_until(lambda: alice.get(addresses[-1]).status_code == 200, what="room for another")
    assert cached(server.data, "tmp") == []


def test_pages_that_hang_do_not_hold_up_another_user(
    server: ServerProcess, alice: Client, bob: Client
) -> None:
    of_bob = chapter_of(bob, text_pdf(1))["pages"][0]
    pages = chapter_of(alice, text_pdf(MOST_WAITING))["pages"]
    replace_pdf(server, hanging_pages_pdf(MOST_WAITING))
    with asking(server, *(f"{page['background_url']}&dpi=300" for page in pages)) as connections:
        # Not all of the places are for one user.
        [refused, *_], _, _ = select.select(connections, [], [], 30)
        assert BUSY in refused.recv(65536).decode()
        assert bob.get(f"{of_bob['background_url']}&dpi=300").status_code == 200


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a page that takes hours": (hanging_pdf, "Page 1 took longer than 1 s"),
    "a page that is not there": (
        lambda: many_pages_pdf(1).replace(b"/Type /Page /", b"/Type /Pages /"),
        "Page 1 is damaged and cannot be rendered",
    ),
    "a PDF that is damaged": (lambda: b"%PDF-1.7", "PDF is damaged and cannot be opened"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_page_is_an_error_with_the_same_message_as_in_a_job(
    strict: ServerProcess, reader: Client, kind: str
) -> None:
    make, message = HOSTILE[kind]
    page = chapter_of(reader, text_pdf(1))["pages"][0]
    replace_pdf(strict, make())
    refused = reader.get(f"{page['background_url']}&dpi=300")
    assert (refused.status_code, refused.json()) == (422, {"detail": message})
    replace_pdf(strict, text_pdf(1))
    assert reader.get(f"{page['background_url']}&dpi=300").status_code == 200


def test_a_page_whose_renderer_is_killed_is_rendered_again_in_another(
    server: ServerProcess, alice: Client
) -> None:
    page = chapter_of(alice, text_pdf(1))["pages"][0]
    replace_pdf(server, hanging_pdf())
    with ThreadPoolExecutor(1) as thread:
        response = thread.submit(alice.get, f"{page['background_url']}&dpi=300")
        wait_until(lambda: response.done() or kill_the_busy_image_renderer(server), what="its end")
        refused = response.result()
    assert (refused.status_code, refused.json()) == (
        422,
        {"detail": "Page 1 crashed the renderer"},
    )


def kill_the_busy_image_renderer(server: ServerProcess) -> bool:
    for pid in processes.renderers(server, "image renderer"):
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).cpu_times().user > 0.2:
                processes.kill(pid)
    return False


def test_a_placeholder_stays_one(strict: ServerProcess, reader: Client) -> None:
    chapter = chapter_of(reader, stuck_pdf(before=1, pages=1), on_bad_page="placeholder")
    [_, bad] = chapter["pages"]
    assert bad["problem"] == "Page 2 took longer than 1 s"
    images = [reader.get(f"{bad['background_url']}{query}") for query in ("", "&dpi=300")]
    assert images[0].content == images[1].content


def test_the_cache_stays_within_its_bound_and_keeps_what_was_used_last(
    strict: ServerProcess, reader: Client
) -> None:
    chapters = [chapter_of(reader, noise_pdf(700 + i, 700)) for i in range(3)]
    for chapter in (*chapters[:2], chapters[0], chapters[2]):
        image = reader.get(f"{chapter['pages'][0]['background_url']}&dpi=75")
        assert image.status_code == 200 and 350_000 < len(image.content) < 500_000
        kept = cached(strict.data)
        assert sum(path.stat().st_size for path in kept) <= 1024 * 1024
    for chapter in (chapters[0], chapters[2]):
        assert cached(strict.data, chapter["chapter_id"])


def test_a_full_disk_is_an_error_and_leaves_nothing(
    start_server: StartServer, small_disk: Path
) -> None:
    server = start_server({"storage.data_dir": str(small_disk / "data")})
    user = Client(server.url, "somebody")
    page = chapter_of(user, text_pdf(1))["pages"][0]
    assert user.get(f"{page['background_url']}&dpi=75").status_code == 200
    fill(small_disk / "filler", leave_bytes=10_000)
    refused = user.get(f"{page['background_url']}&dpi=300")
    assert (refused.status_code, refused.json()) == (507, {"detail": "Storage is full"})
    assert [path.name[-3:] for path in cached(small_disk / "data")] == ["-75"]
