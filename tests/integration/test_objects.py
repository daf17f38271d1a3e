"""Storage as objects: PDFs and pages are in a bucket, and images are read from there."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
import yaml

from tests.conftest import StartServer
from tests.support.client import Client
from tests.support.leftovers import check_end, files, staged
from tests.support.objects import Bucket, S3Server, environment_for
from tests.support.pdfs import encrypted_pdf, photo_pdf, stuck_pdf, text_pdf
from tests.support.server import ROOT, ServerProcess
from tests.support.waiting import wait_until
from tests.support.wire import wire_to
from wordai_jobs.client import Client as ApiClient
from wordai_jobs.config import parse_config
from wordai_jobs.database.client import Database
from wordai_jobs.errors import StartError, StorageAway
from wordai_jobs.jobs.cleanup import Cleanup
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.page_names import MOST_WORDS_BYTES
from wordai_jobs.rendering.task import Part, RenderTask
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.objects import pages
from wordai_jobs.storage.objects.storage import ObjectStorage
from wordai_jobs.storage.objects.store import ObjectStore
from wordai_jobs.users import delete_user_data

pytestmark = [pytest.mark.long_file(60), pytest.mark.fleet]


@pytest.fixture
def server(start_server: StartServer, bucket: Bucket) -> ServerProcess:
    settings = {"storage.url": bucket.url, "cors.origins": ["https://app.example"]}
    return start_server(settings, bucket.server.environment)


@pytest.fixture
def user(server: ServerProcess) -> Client:
    return Client(server.url, "somebody")


def image_path(user: Client, job_id: str, number: int = 1) -> str:
    pages = user.get(f"/api/v1/books/jobs/{job_id}/pages").json()["pages"]
    path: str = pages[number - 1]["background_url"]
    return path


def test_pdfs_and_pages_are_objects_and_no_file_stays_in_the_data_folder(
    server: ServerProcess, bucket: Bucket, user: Client
) -> None:
    file_id = user.upload(text_pdf(3)).json()["file_id"]
    assert bucket.keys == {"identity", f"uploads/{file_id}.pdf"}
    job = user.end_of(user.enqueue(file_id).json()["job_id"])
    check_end(user, job)
    chapter = f"chapters/{job['result']['chapter_id']}"
    assert bucket.below("chapters/") == {f"{chapter}/search.sqlite"} | {
        f"{chapter}/0000{number}{ending}"
        for number in (1, 2, 3)
        for ending in (".png", ".json", ".thumbnail.jpg")
    }
    assert files(server.data) == set()


def test_an_index_is_an_object_that_is_read_from_a_copy_and_made_again_if_it_is_missing(
    server: ServerProcess, bucket: Bucket, user: Client
) -> None:
    chapter_id = user.end_of(user.submit(text_pdf(20)))["result"]["chapter_id"]
    [copy] = (server.data / "copies").glob("*.sqlite")
    [key] = (key for key in bucket.below("chapters/") if key.endswith(".sqlite"))

    def pages() -> list[int]:
        hits = user.get("/api/v1/search?q=page 17").json()["hits"]
        return [hit["page_number"] for hit in hits]

    assert pages() == [17]
    copy.unlink()
    assert pages() == [17] and copy.exists(), "it is fetched again"
    copy.unlink()
    bucket.remove(key)
    assert pages() == [17] and key in bucket.keys, "it is made again"
    copy.write_bytes(b"damaged")
    assert pages() == [17]
    text = user.get(f"/api/v1/books/{user.book_id}/chapters/{chapter_id}/text").text
    assert text.count("\f") == 20 and "page 20 of 20" in text
    user.request("DELETE", f"/api/v1/books/{user.book_id}/chapters/{chapter_id}")
    assert pages() == [] and bucket.below("chapters/") == set() and not copy.exists()


@pytest.mark.parametrize("make", [lambda: text_pdf(2), photo_pdf], ids=["png", "jpeg"])
def test_a_chapter_is_the_same_as_in_a_data_folder(
    user: Client, alice: Client, make: Callable[[], bytes]
) -> None:
    in_bucket, in_folder = ((each, each.end_of(each.submit(make()))) for each in (user, alice))
    contents = [
        [
            (
                page["width"],
                reader.get(page[url]).content,
                reader.get(page[url]).headers["Content-Type"],
            )
            for page in reader.chapter(job)["pages"]
            for url in ("background_url", "thumbnail_url")
        ]
        for reader, job in (in_bucket, in_folder)
    ]
    assert contents[0] == contents[1]


def test_an_image_is_a_redirect_to_an_address_that_stays_the_same(
    user: Client, bucket: Bucket
) -> None:
    path = image_path(user, user.end_of(user.submit(text_pdf(1)))["job_id"])
    first, second = (user.get(path, allow_redirects=False) for _ in range(2))
    assert first.status_code == 302 and first.headers["Location"] == second.headers["Location"]
    assert same_for_s(first) >= same_for_s(second) or same_for_s(first) < 60
    image = requests.get(first.headers["Location"], timeout=30)
    assert image.status_code == 200 and image.headers["Content-Type"] == "image/png"
    assert image.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    unsigned = first.headers["Location"].partition("?")[0]
    assert requests.get(unsigned, timeout=30).status_code == 403


def test_the_address_of_an_image_is_the_same_after_a_restart(
    server: ServerProcess, user: Client
) -> None:
    path = image_path(user, user.end_of(user.submit(photo_pdf()))["job_id"])
    before = user.get(path, allow_redirects=False)
    server.stop()
    server.start().wait_until_ready()
    after = user.get(path, allow_redirects=False)
    is_next_period = same_for_s(after) > same_for_s(before)
    assert is_next_period or after.headers["Location"] == before.headers["Location"]


def same_for_s(response: requests.Response) -> int:
    kind, _, seconds = response.headers["Cache-Control"].partition(", max-age=")
    assert kind == "private" and 0 < int(seconds) <= 3 * 3600
    return int(seconds)


def test_images_of_a_running_job_can_be_read_and_its_end_leaves_no_object(
    server: ServerProcess, bucket: Bucket, user: Client
) -> None:
    job_id = user.submit(stuck_pdf(before=3, pages=5))
    wait_until(lambda: user.job(job_id)["progress"] >= 50, what="pages in the bucket")
    assert user.get(image_path(user, job_id)).status_code == 200
    assert len(bucket.below("chapters/")) >= 6
    assert user.post(f"/api/v1/books/jobs/{job_id}/cancel").status_code == 200
    assert bucket.below("chapters/") == set() and staged(server.data) == []


def test_a_refused_upload_leaves_no_object(user: Client, bucket: Bucket) -> None:
    for pdf in (encrypted_pdf(), b"", b"no PDF"):
        assert user.upload(pdf).status_code == 400
    assert bucket.keys == {"identity"}


def test_a_deleted_chapter_leaves_no_page_in_the_bucket(user: Client, bucket: Bucket) -> None:
    job = user.end_of(user.submit(text_pdf(2)))
    path = image_path(user, job["job_id"])
    assert user.get(path).status_code == 200
    chapter = f"/api/v1/books/{user.book_id}/chapters/{job['result']['chapter_id']}"
    assert user.request("DELETE", chapter).status_code == 204
    assert bucket.below("chapters/") == set()
    assert user.get(path).status_code == 404


def test_a_page_that_does_not_exist_is_not_found(user: Client) -> None:
    job = user.end_of(user.submit(text_pdf(1)))
    chapter = f"/api/v1/books/{user.book_id}/chapters/{job['result']['chapter_id']}"
    for path in ("/pages/2/image", "/pages/2/thumbnail", "/pages/2"):
        response = user.get(f"{chapter}{path}")
        assert (response.status_code, response.json()) == (404, {"detail": "Page 2 not found"})


def test_clients_follow_to_the_store_without_their_token(
    start_server: StartServer, bucket: Bucket
) -> None:
    """A store refuses requests with a second kind of credentials, and must not learn tokens."""
    with wire_to(bucket.server.port) as wire:
        server = start_server({"storage.url": bucket.url}, environment_for(wire.port))
        user = Client(server.url, "somebody")
        job = user.end_of(user.submit(text_pdf(1)))
        chapter = f"/api/v1/books/{user.book_id}/chapters/{job['result']['chapter_id']}"
        with ApiClient(server.url, user.token) as client:
            image = client.page_image(user.book_id, job["result"]["chapter_id"], 1)
        assert image.startswith(b"\x89PNG")
        curl = ["curl", "--silent", "--location", "-H", f"Authorization: Bearer {user.token}"]
        curled = subprocess.run(
            [*curl, f"{server.url}{chapter}/pages/1/image"], check=True, capture_output=True
        )
        assert curled.stdout == image
        assert b"X-Amz-Signature" in wire.sent and user.token.encode() not in wire.sent


def test_the_app_may_show_images_of_the_store_and_of_nobody_else(
    server: ServerProcess, bucket: Bucket
) -> None:
    policy = requests.get(server.url, timeout=30).headers["Content-Security-Policy"]
    assert f"img-src 'self' http://127.0.0.1:{bucket.server.port};" in policy


def test_an_outage_of_the_store_delays_jobs_and_fails_none(
    start_server: StartServer, bucket: Bucket
) -> None:
    with wire_to(bucket.server.port) as wire:
        server = start_server({"storage.url": bucket.url}, environment_for(wire.port))
        user, tidy = Client(server.url, "somebody"), Client(server.url, "tidy")
        removed = tidy.end_of(tidy.submit(text_pdf(1)))["result"]["chapter_id"]
        job_id = user.submit(text_pdf(100))
        wait_until(lambda: user.job(job_id)["progress"] > 30, what="pages in the bucket")
        wire.cut()
        ready = wait_until(lambda: not_ready(server), what="a server that is not ready")
        assert "the object store cannot be reached" in ready
        refused = user.upload(photo_pdf())
        assert refused.status_code == 503 and refused.headers["Retry-After"]
        assert refused.json() == {"detail": "Storage cannot be reached right now"}
        assert files(server.data) & {"uploads"} == set()
        seen = user.job(job_id)
        assert seen["status"] == "processing"
        assert tidy.request("DELETE", f"/api/v1/books/{tidy.book_id}").status_code == 204
        assert bucket.below(f"chapters/{removed}/")
        wire.mend()
        job = user.end_of(job_id)
        assert job["status"] == "completed", job
        check_end(user, job)
        wait_until(lambda: not not_ready(server), what="a server that is ready")
        wait_until(lambda: not bucket.below(f"chapters/{removed}/"), 30, "the end of a deletion")


def not_ready(server: ServerProcess) -> str:
    """What a server that is not ready says; empty if it is."""
    response = requests.get(f"{server.url}/health/ready", timeout=30)
    return "" if response.ok else str(response.json()["detail"])


def test_a_job_whose_store_stays_away_fails_with_a_message_that_says_so(
    start_server: StartServer, bucket: Bucket
) -> None:
    with wire_to(bucket.server.port) as wire:
        settings = {"storage.url": bucket.url, "jobs.timeout_s": 5}
        server = start_server(settings, environment_for(wire.port))
        user = Client(server.url, "somebody")
        job_id = user.submit(stuck_pdf(before=2, pages=3))
        wait_until(lambda: user.job(job_id)["progress"] > 30, what="pages in the bucket")
        wire.cut()
        job = user.end_of(job_id, timeout_s=90)
        assert (job["status"], job["error"]) == ("failed", "Storage could not be reached")
        assert "are left to the clean-up" in server.log and "Traceback" not in server.log


def test_a_pdf_that_is_not_on_this_machine_is_downloaded(
    server: ServerProcess, bucket: Bucket, user: Client
) -> None:
    file_id = user.upload(text_pdf(2)).json()["file_id"]
    [copy] = (server.data / "copies").iterdir()
    copy.unlink()
    job = user.end_of(user.enqueue(file_id).json()["job_id"])
    check_end(user, job)
    assert copy.read_bytes() == bucket.get(f"uploads/{file_id}.pdf")


def test_a_job_whose_upload_is_gone_from_the_store_says_so(
    server: ServerProcess, bucket: Bucket, user: Client
) -> None:
    file_id = user.upload(text_pdf(2)).json()["file_id"]
    [copy] = (server.data / "copies").iterdir()
    copy.unlink()
    bucket.remove(f"uploads/{file_id}.pdf")
    job = user.end_of(user.enqueue(file_id).json()["job_id"])
    assert job["error"] == "The uploaded PDF is no longer there"


def test_a_server_waits_for_a_store_that_is_away_at_its_start(
    start_server: StartServer, bucket: Bucket
) -> None:
    with wire_to(bucket.server.port) as wire:
        wire.cut()
        server = start_server({"storage.url": bucket.url}, environment_for(wire.port))
        assert not_ready(server) == "the object store cannot be reached yet"
        wire.mend()
        server.wait_until_ready()
        user = Client(server.url, "somebody")
        check_end(user, user.end_of(user.submit(photo_pdf())))


@pytest.mark.parametrize(
    ("url", "environment", "line"),
    [
        ("s3://books", {"AWS_SECRET_ACCESS_KEY": "wrong"}, "refuses access: SignatureDoesNotMatch"),
        ("s3://no-such-bucket", {}, "the bucket of storage.url does not exist"),
        ("az://books", {}, "Configuration: storage.url: Account must be specified"),
        ("file:///srv", {}, "Configuration: storage.url:"),
    ],
    ids=["wrong key", "no bucket", "no account", "unknown kind"],
)
def test_a_store_that_cannot_be_used_stops_the_start_with_one_line(
    bucket: Bucket, tmp_path: Path, url: str, environment: dict[str, str], line: str
) -> None:
    server = ServerProcess(tmp_path, {"storage.url": url}, bucket.server.environment | environment)
    assert line in server.refusal()


def test_a_cluster_in_containers_makes_the_bucket_that_its_servers_need(
    start_server: StartServer, s3: S3Server
) -> None:
    cluster = yaml.safe_load((ROOT / "deploy" / "compose.cluster.yaml").read_text())
    service = cluster["services"]["bucket"]
    python, *arguments = service["entrypoint"]
    assert python == "python"
    for _ in range(2):  # as each `docker compose up` does
        subprocess.run([sys.executable, *arguments], env=s3.environment, check=True, timeout=60)
    settings = {"storage.url": service["environment"]["WORDAI_JOBS_STORAGE__URL"]}
    start_server(settings, s3.environment).wait_until_ready()


def test_a_store_of_another_database_is_refused_and_loses_nothing(
    server: ServerProcess, bucket: Bucket, user: Client, tmp_path: Path
) -> None:
    user.end_of(user.submit(text_pdf(1)))
    before = bucket.keys
    other = ServerProcess(
        tmp_path / "other", {"storage.url": bucket.url}, bucket.server.environment
    )
    assert f"The object store {bucket.url} and the database" in other.refusal()
    assert "do not belong together" in other.log
    assert bucket.keys == before


def test_objects_that_no_record_names_are_deleted_when_they_are_a_day_old(
    start_server: StartServer,
    bucket: Bucket,
    shared: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = start_server({**shared, "storage.url": bucket.url}, bucket.server.environment)
    user = Client(server.url, "somebody")
    job = user.end_of(user.submit(text_pdf(1)))
    named = bucket.keys
    bucket.put("chapters/stray/00001.png", b"page")
    bucket.put("uploads/file_2.pdf", b"never recorded")
    for name, value in bucket.server.environment.items():
        monkeypatch.setenv(name, value)
    database = Database(shared["mongodb.uri"], shared["mongodb.database"])
    storage = ObjectStorage(DataFolder(server.data), ObjectStore(bucket.url, 1))

    def clean_up(**later: float) -> None:
        moment = datetime.now(UTC) + timedelta(**later)
        cleanup = Cleanup(timedelta(days=7), database, storage, now=lambda: moment)
        cleanup.remove_old_uploads()
        cleanup.remove_strays()
        cleanup.empty_trash()

    try:
        clean_up(hours=23)
        assert len(bucket.keys) == len(named) + 2
        clean_up(hours=25)
        assert bucket.keys == named
        database.identity.replace("another")
        bucket.put("chapters/stray/00001.png", b"page")
        clean_up(days=30)
        assert bucket.keys == named | {"chapters/stray/00001.png"}
        check_end(user, user.job(job["job_id"]))
    finally:
        database.close()
        storage.close()


def test_a_chapter_of_more_objects_than_one_list_has_is_counted_and_removed(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bucket.server.environment.items():
        monkeypatch.setenv(name, value)
    store = ObjectStore(bucket.url, 1)
    storage = ObjectStorage(DataFolder(tmp_path), store)
    keys = [f"chapters/long/{number:05d}.png" for number in range(1, 1102)]
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda key: store.put(key, b"page"), [*keys, "chapters/longer/1.png"]))
    assert storage.pages.size("long") == 4 * len(keys)
    assert set(storage.pages.chapter_ids()) == {"long", "longer"}
    storage.pages.remove("long")
    assert bucket.keys == {"chapters/longer/1.png"}
    storage.close()


@pytest.mark.parametrize("lost", ["chapters/", "uploads/"])
def test_what_the_store_did_not_delete_is_not_said_to_be_deleted(
    start_server: StartServer,
    bucket: Bucket,
    shared: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    lost: str,
) -> None:
    server = start_server({**shared, "storage.url": bucket.url}, bucket.server.environment)
    user = Client(server.url, "gone-user")
    user.end_of(user.submit(text_pdf(1)))
    server.stop()
    for name, value in bucket.server.environment.items():
        monkeypatch.setenv(name, value)
    config = parse_config(
        {
            "mongodb": {"uri": shared["mongodb.uri"], "database": shared["mongodb.database"]},
            "storage": {"data_dir": str(server.data), "url": bucket.url},
        }
    )
    remove = ObjectStore.remove

    def fail(store: ObjectStore, keys: Iterable[str]) -> None:
        names = list(keys)
        if any(name.startswith(lost) for name in names):
            raise StorageAway
        remove(store, names)

    with monkeypatch.context() as patched:
        patched.setattr(ObjectStore, "remove", fail)
        patched.setattr(pages, "_REMOVE_FOR_S", 0)
        with pytest.raises(StartError, match="run this again"):
            delete_user_data(config, "gone-user")
    assert any(key.startswith(lost) for key in bucket.keys)
    delete_user_data(config, "gone-user")
    assert not [key for key in bucket.keys if key.startswith(("chapters/", "uploads/"))]


@pytest.fixture
def rendering(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[ObjectStorage, Path, RenderTask]:
    """A page of the chapter `long` is rendered into the folder, but for its files."""
    for name, value in bucket.server.environment.items():
        monkeypatch.setenv(name, value)
    folder = DataFolder(tmp_path)
    folder.create()
    storage = ObjectStorage(folder, ObjectStore(bucket.url, 1))
    staging = storage.pages.stage("long")
    task = RenderTask(Part(tmp_path / "document.pdf", 1), staging, "fail", processes=1)
    task.page_done(Page(1, 100, 100), took_s=0.1)
    return storage, staging, task


def test_words_that_would_fill_a_workers_memory_are_not_stored(
    bucket: Bucket, rendering: tuple[ObjectStorage, Path, RenderTask]
) -> None:
    storage, staging, task = rendering
    with open(staging / "00001.json", "wb") as file:
        file.truncate(MOST_WORDS_BYTES + 1)
    with (
        storage.pages.storing("long", task) as next_page,
        pytest.raises(ValueError, match="page 1 has more words"),
    ):
        next_page(30)
    assert bucket.keys == set()


def test_an_image_that_would_fill_a_workers_memory_is_stored_in_parts(
    bucket: Bucket,
    rendering: tuple[ObjectStorage, Path, RenderTask],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storage, staging, task = rendering
    read, put = list[str](), storage.store.put

    def put_and_remember(key: str, content: bytes) -> None:
        read.append(key)
        put(key, content)

    monkeypatch.setattr(storage.store, "put", put_and_remember)
    (staging / "00001.json").write_text("{}")
    with open(staging / "00001.png", "wb") as file:
        file.truncate(MOST_WORDS_BYTES + 1)
    with storage.pages.storing("long", task) as next_page:
        assert wait_until(lambda: next_page(1), what="the page")
    assert read == ["chapters/long/00001.json"]
    assert len(bucket.get("chapters/long/00001.png")) == MOST_WORDS_BYTES + 1
    storage.close()


def test_an_image_in_another_resolution_is_rendered_from_the_stored_pdf(
    server: ServerProcess, user: Client
) -> None:
    path = image_path(user, user.end_of(user.submit(text_pdf(1)))["job_id"])
    for copy in (server.data / "copies").iterdir():
        copy.unlink()
    image = requests.get(f"{server.url}{path}&dpi=75", allow_redirects=False, timeout=30)
    assert image.status_code == 200 and image.content.startswith(b"\x89PNG")
    assert requests.get(f"{server.url}{path}&dpi=72", allow_redirects=False, timeout=30).is_redirect
