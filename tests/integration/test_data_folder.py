"""A data folder belongs to one running server, and to one database."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.errors import OperationFailure

from tests.conftest import StartServer
from tests.integration.conftest import Records
from tests.support.client import Client
from tests.support.command import Program
from tests.support.databases import own_database
from tests.support.held import hanging_job
from tests.support.leftovers import check_end, files, published, staged
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.processes import database
from tests.support.server import EMBEDDED, ServerProcess
from tests.support.waiting import wait_until
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.storage import FolderStorage

pytestmark = pytest.mark.long_file(60)

RESTARTED = "Server restarted while the job was running"
JOBS = "pdf_chapter_jobs"


def on_folder_of(
    server: ServerProcess, tmp_path: Path, settings: dict[str, Any] | None = None
) -> ServerProcess:
    """Another server on the same data folder."""
    own = {"storage.data_dir": str(server.data), **(settings or {})}
    return ServerProcess(tmp_path / "second", own)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    settings = {**EMBEDDED, "rendering.processes": 1, "rendering.dpi": 72}
    server = ServerProcess(tmp_path_factory.mktemp("embedded"), settings).start()
    yield server
    assert server.stop() == 0


def test_a_second_server_on_a_folder_stops_with_one_line(
    embedded: ServerProcess, tmp_path: Path
) -> None:
    second = on_folder_of(embedded, tmp_path, EMBEDDED)
    assert f"Another running server is using the data folder {embedded.data}" in second.refusal()
    assert second.log.count("\n") == 1, second.log
    user = Client(embedded.url, "somebody")
    assert user.end_of(user.submit(photo_pdf()))["status"] == "completed"


def test_a_stopped_server_keeps_its_folder_and_goes_on_later(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server()
    user = Client(server.url, "somebody")
    job_id = user.submit(text_pdf(100))
    wait_until(lambda: user.job(job_id)["progress"] > 30)
    assert server.process
    second = on_folder_of(server, tmp_path)
    server.process.send_signal(signal.SIGSTOP)
    try:
        assert "Another running server" in second.refusal() and second.log.count("\n") == 1
    finally:
        server.process.send_signal(signal.SIGCONT)
    job = user.end_of(job_id)
    assert job["status"] == "completed"
    check_end(user, job)


def test_folder_and_database_share_an_identity_that_jobs_carry(
    start_server: StartServer, shared: dict[str, str], records: Records
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    job = user.end_of(user.submit(photo_pdf()))
    identity = (server.data / "identity").read_text().strip()
    assert records["data_folder"].find_one({}) == {"_id": "identity", "folder_id": identity}
    recorded = records[JOBS].find_one({"job_id": job["job_id"]})
    assert recorded and recorded["folder_id"] == identity
    assert server.stop() == 0
    server.start()
    assert (server.data / "identity").read_text().strip() == identity


def test_a_folder_with_another_database_is_refused_and_loses_nothing(
    start_server: StartServer, shared: dict[str, str], records: Records
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    job = user.end_of(user.submit(text_pdf(3)))
    assert server.stop() == 0
    before = files(server.data)
    empty, foreign = own_database(), own_database()
    stranger = start_server(foreign)
    Client(stranger.url, "somebody").submit(photo_pdf())
    assert stranger.stop() == 0
    for other in (empty, foreign, EMBEDDED):
        program = Program(server.folder, settings=as_text({**server_settings(server), **other}))
        refused = ServerProcess(
            server.folder / "refused", {"storage.data_dir": str(server.data), **other}
        )
        assert "do not belong together" in refused.refusal()
        assert files(server.data) == before
        if other is not EMBEDDED:
            assert "problem  identity:" in program.run("doctor", expect=1).stdout
    server.start()
    check_end(user, user.job(job["job_id"]))


def server_settings(server: ServerProcess) -> dict[str, object]:
    return {"server.port": server.port, "storage.data_dir": str(server.data)}


def as_text(settings: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in settings.items()}


def test_join_has_a_folder_and_a_restored_database_belong_together(
    start_server: StartServer, shared: dict[str, str], records: Records
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    done, running = user.end_of(user.submit(text_pdf(3))), hanging_job(user, server)
    program = Program(server.folder, settings=as_text({**server_settings(server), **shared}))
    assert "Another running server" in program.run("join", "--yes", expect=1).stderr
    assert "Nothing to do: a server is using this" in program.run("sweep").stdout
    server.kill()
    records["data_folder"].update_one({}, {"$set": {"folder_id": "of-the-backup"}})
    records[JOBS].update_many({}, {"$set": {"folder_id": "of-the-backup"}})
    assert "wordai-jobs join" in server.refusal()
    program.run("join", expect=130)  # it asks first
    assert "belong together" in program.run("join", "--yes").stdout
    server.start()
    assert user.job(running)["error"] == RESTARTED
    check_end(user, user.job(done["job_id"]))


def test_the_embedded_database_is_closed_to_other_users_of_the_machine(
    embedded: ServerProcess,
) -> None:
    user = Client(embedded.url, "another")
    user.end_of(user.submit(photo_pdf()))
    arguments = Path(f"/proc/{database(embedded)[0]}/cmdline").read_bytes().split(b"\0")
    port = int(arguments[arguments.index(b"--port") + 1])
    with (
        pymongo.MongoClient[dict[str, Any]]("127.0.0.1", port, timeoutMS=10_000) as stranger,
        pytest.raises(OperationFailure),
    ):
        stranger["wordai"][JOBS].find_one({})
    password = embedded.data / "mongodb" / "password"
    assert password.stat().st_mode & 0o777 == 0o600
    embedded.kill()
    embedded.start()
    assert user.get("/api/v1/books/jobs").json()["jobs"][0]["status"] == "completed"


def test_the_folder_of_an_older_release_is_joined_and_its_jobs_end(
    start_server: StartServer, shared: dict[str, str], records: Records
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    done, running = user.end_of(user.submit(text_pdf(3))), hanging_job(user, server)
    server.kill()
    as_an_older_release_left_it(server, records)
    server.start()
    assert user.job(running)["error"] == RESTARTED
    assert staged(server.data) == []
    check_end(user, user.job(done["job_id"]))
    assert (server.data / "identity").exists()


def as_an_older_release_left_it(server: ServerProcess, records: Records) -> None:
    (server.data / "identity").unlink()
    records["data_folder"].drop()
    unset = {"$unset": {"folder_id": ""}, "$set": {"instance_id": "a-server"}}
    records[JOBS].update_many({}, unset)


def test_files_without_identity_that_the_database_does_not_know_are_refused(
    start_server: StartServer, shared: dict[str, str], records: Records
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    user.end_of(user.submit(text_pdf(3)))
    server.stop()
    as_an_older_release_left_it(server, records)
    for collection in ("book_chapters", "user_files"):
        records[collection].drop()
    assert "do not belong together" in server.refusal()
    assert len(published(server.data)) == 1


@pytest.mark.parametrize(
    ("has_records", "starts"), [(True, False), (False, True)], ids=["in use", "nothing recorded"]
)
def test_a_new_folder_on_a_database_with_an_identity_starts_only_if_it_is_unused(
    start_server: StartServer, shared: dict[str, str], has_records: bool, starts: bool
) -> None:
    """Nothing recorded: an earlier first start was interrupted between database and folder."""
    first = start_server(shared)
    if has_records:
        assert Client(first.url, "somebody").book_id
    first.kill()
    shutil.rmtree(first.data)
    if starts:
        first.start()
        assert (first.data / "identity").exists()
    else:
        assert "do not belong together" in first.refusal()


def test_a_job_with_only_the_documented_fields_is_ended_like_any_other(
    start_server: StartServer,
    shared: dict[str, str],
    records: Records,
    new_job_document: Callable[..., dict[str, Any]],
) -> None:
    """Left unfinished by the system that this one replaces."""
    server = start_server(shared)
    user = Client(server.url, "somebody")
    document = new_job_document(user_id="somebody", status="processing", progress=40)
    records[JOBS].insert_one(document)
    server.kill()
    server.start()
    job = user.job(document["job_id"])
    assert (job["status"], job["error"], job["progress"]) == ("failed", RESTARTED, 40)
    assert [job] == user.get("/api/v1/books/jobs").json()["jobs"]


def test_parts_of_a_folder_on_two_disks_stop_the_start_with_one_line(
    start_server: StartServer, shared: dict[str, str]
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a file system")
    server = start_server(shared)
    assert server.stop() == 0
    chapters = str(server.data / "chapters")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", chapters], check=True)
    try:
        line = server.refusal()
        assert chapters in line and "must be on one file system" in line
        program = Program(server.folder, settings=as_text({**server_settings(server), **shared}))
        assert "must be on one file system" in program.run("doctor", expect=1).stdout
    finally:
        subprocess.run(["umount", "--lazy", chapters], check=True)


def test_a_page_can_be_read_at_every_moment_of_publishing(tmp_path: Path) -> None:
    """Its folder moves from staging to chapters while it is looked for."""
    storage = FolderStorage(DataFolder(tmp_path / "data"))
    storage.folder.create()
    (storage.pages.stage("chapter") / "00001.png").write_bytes(b"page")
    original = Path.exists

    def exists(path: Path) -> bool:
        """The chapter is published right after the first look into a folder."""
        found = original(path)
        if original(storage.folder.staging / "chapter"):
            storage.pages.publish("chapter")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "exists", exists)
        assert storage.pages.image("chapter", 1)
