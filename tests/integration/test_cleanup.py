"""What nobody needs any more goes; what somebody may still read stays."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import StartServer
from tests.integration.conftest import Records
from tests.support.client import Client
from tests.support.held import hanging_job
from tests.support.leftovers import check_end, files, published, staged
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.server import ServerProcess
from wordai_jobs.database.client import Database
from wordai_jobs.jobs.cleanup import Cleanup
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.storage import FolderStorage

WEEK_S = 604_800
LONG_AGO = datetime.now(UTC) - timedelta(days=8)


def test_the_jobs_have_their_indexes_and_the_documented_fields(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    user = Client(start_server(shared).url, "somebody")
    done = user.end_of(user.submit(photo_pdf()))
    indexes = records["pdf_chapter_jobs"].index_information()
    by_key = {tuple(index["key"]): index for name, index in indexes.items() if name != "_id_"}
    assert set(by_key) == {
        (("job_id", 1),),
        (("user_id", 1), ("status", 1)),
        (("created_at", 1),),
        (("updated_at", 1),),
        (("status", 1),),
        (("user_id", 1), ("idempotency_key", 1)),
        (("rest_since", -1),),
        (("look_again_at", -1),),
    }
    by_idempotency_key = by_key[(("user_id", 1), ("idempotency_key", 1))]
    assert by_idempotency_key["unique"] and by_idempotency_key["partialFilterExpression"]
    assert by_key[(("job_id", 1),)]["unique"]
    assert by_key[(("created_at", 1),)]["expireAfterSeconds"] == WEEK_S
    document = records["pdf_chapter_jobs"].find_one({"job_id": done["job_id"]})
    assert document and document["result"] == done["result"]
    assert isinstance(document["completed_at"], datetime)
    chapter = records["book_chapters"].find_one({"chapter_id": done["result"]["chapter_id"]})
    assert chapter and list(chapter["pages"][0]) == [
        "page_number",
        "background_url",
        "width",
        "height",
        "elements",
    ]


def test_the_time_that_jobs_are_kept_follows_the_setting(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
) -> None:
    server = start_server(shared)
    server.stop()
    start_server({**shared, "storage.data_dir": str(server.data), "jobs.retention_days": 3})
    index = records["pdf_chapter_jobs"].index_information()["created_at_1"]
    assert index["expireAfterSeconds"] == 3 * 86_400


@pytest.fixture
def server(start_server: StartServer, shared: dict[str, str]) -> ServerProcess:
    return start_server(shared)


@pytest.fixture
def clean_up(server: ServerProcess, shared: dict[str, str]) -> Iterator[Callable[..., None]]:
    """Runs the chores of the clean-up on the server's data, as if it were later than it is."""
    database = Database(shared["mongodb.uri"], shared["mongodb.database"])
    storage = FolderStorage(DataFolder(server.data))

    def run(**later: float) -> None:
        moment = datetime.now(UTC) + timedelta(**later)
        cleanup = Cleanup(timedelta(days=7), database, storage, now=lambda: moment)
        cleanup.remove_old_uploads()
        cleanup.remove_strays()
        cleanup.empty_trash()

    yield run
    database.close()


def trashed(data: Path) -> set[str]:
    return {path.name for path in (data / "trash").glob("*/*")}


def test_uploads_past_their_time_go_unless_a_chapter_was_made_from_them(
    server: ServerProcess, clean_up: Callable[..., None]
) -> None:
    user = Client(server.url, "somebody")
    unused = user.upload(text_pdf(1)).json()["file_id"]
    used = user.upload(photo_pdf()).json()["file_id"]
    job = user.end_of(user.enqueue(used).json()["job_id"])
    clean_up(days=6)
    assert {f"uploads/{unused}.pdf", f"uploads/{used}.pdf"} <= files(server.data)
    clean_up(days=8)
    assert user.get(f"/api/v1/files/{unused}").status_code == 404
    assert f"uploads/{unused}.pdf" not in files(server.data)
    assert trashed(server.data) == {f"{unused}.pdf"}
    clean_up(days=16)
    assert f"uploads/{used}.pdf" in files(server.data)
    check_end(user, user.job(job["job_id"]))
    chapter = f"/api/v1/books/{user.book_id}/chapters/{job['result']['chapter_id']}"
    assert user.request("DELETE", chapter).status_code == 204
    clean_up(days=17)
    assert f"uploads/{used}.pdf" not in files(server.data)


def test_an_upload_that_a_job_works_on_stays(
    server: ServerProcess, clean_up: Callable[..., None]
) -> None:
    user = Client(server.url, "somebody")
    job_id = hanging_job(user, server)
    before = files(server.data)
    clean_up(days=8)
    assert before == files(server.data)
    assert user.job(job_id)["status"] == "processing"


def test_an_upload_of_an_older_release_expires_too(
    server: ServerProcess, records: Records, clean_up: Callable[..., None]
) -> None:
    user = Client(server.url, "somebody")
    old, young = (user.upload(photo_pdf()).json()["file_id"] for _ in range(2))
    records["user_files"].update_many({}, {"$unset": {"expires_at": ""}})
    records["user_files"].update_one({"file_id": old}, {"$set": {"created_at": LONG_AGO}})
    clean_up()
    assert user.get(f"/api/v1/files/{old}").status_code == 404
    assert user.get(f"/api/v1/files/{young}").status_code == 200


def test_files_without_a_record_go_to_the_trash_an_hour_later(
    server: ServerProcess, clean_up: Callable[..., None]
) -> None:
    user = Client(server.url, "somebody")
    job = user.end_of(user.submit(photo_pdf()))
    for stray in ("staging/stray-1", "chapters/stray-2"):
        (server.data / stray).mkdir()
        (server.data / stray / "00001.png").write_bytes(b"page")
    (server.data / "uploads" / "file_2.pdf").write_bytes(b"never recorded")
    before = files(server.data)
    clean_up()
    assert files(server.data) == before, "they are too young to be called strays"
    clean_up(hours=2)
    assert trashed(server.data) == {"stray-1", "stray-2", "file_2.pdf"}
    assert staged(server.data) == [] and published(server.data) == [job["result"]["chapter_id"]]
    check_end(user, user.job(job["job_id"]))
    clean_up(hours=25)
    assert trashed(server.data) == {"stray-1", "stray-2", "file_2.pdf"}
    clean_up(hours=27)
    assert trashed(server.data) == set()


def test_nothing_is_cleaned_up_after_the_database_was_replaced(
    server: ServerProcess, records: Records, clean_up: Callable[..., None]
) -> None:
    user = Client(server.url, "somebody")
    user.end_of(user.submit(photo_pdf()))
    before = files(server.data)
    for collection in records.list_collection_names():
        records[collection].delete_many({})
    clean_up(days=30)
    assert files(server.data) == before and trashed(server.data) == set()


def test_a_start_removes_what_a_dead_server_was_receiving(server: ServerProcess) -> None:
    server.kill()
    part = server.data / "uploads" / "file_1.part"
    part.write_bytes(b"half an upload")
    server.start()
    assert not part.exists()
