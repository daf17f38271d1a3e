"""`wordai-jobs backup` beside a busy server, and `restore` after everything is destroyed."""

import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import StartServer
from tests.integration.conftest import Records
from tests.support.client import Client, Json
from tests.support.command import Program
from tests.support.databases import own_database
from tests.support.held import hanging_job
from tests.support.leftovers import check_end, files, published, staged
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.server import EMBEDDED, ServerProcess
from tests.support.waiting import wait_until
from wordai_jobs import backup as backups
from wordai_jobs.config import Config, parse_config
from wordai_jobs.database.dump import Dump

pytestmark = pytest.mark.long_file(30)

RESTARTED = "Server restarted while the job was running"


def operator(server: ServerProcess, settings: Mapping[str, object]) -> Program:
    """The program as the server's operator uses it."""
    own = {"server.port": server.port, "storage.data_dir": str(server.data)}
    return Program(server.folder, settings={**own, **settings})


def config_of(server: ServerProcess, shared: dict[str, str]) -> Config:
    mongodb = {"uri": shared["mongodb.uri"], "database": shared["mongodb.database"]}
    return parse_config({"storage": {"data_dir": str(server.data)}, "mongodb": mongodb})


class Visitors(threading.Thread):
    """Users who upload, read and remove chapters until they are told to stop."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.user = Client(url, "visitor")
        self._stopping = threading.Event()
        self.rounds = 0

    def run(self) -> None:
        while not self._stopping.is_set():
            kept = self.user.submit(photo_pdf())
            removed = self.user.chapter(self.user.end_of(self.user.submit(text_pdf(5))))
            self.user.end_of(kept)
            address = f"/api/v1/books/{self.user.book_id}/chapters/{removed['chapter_id']}"
            assert self.user.request("DELETE", address).status_code == 204
            self.rounds += 1

    def stop(self) -> None:
        self._stopping.set()
        self.join()


@pytest.mark.parametrize("kind", ["embedded database", "own database"])
def test_a_backup_of_a_busy_server_brings_back_every_completed_chapter(
    start_server: StartServer, tmp_path: Path, kind: str
) -> None:
    settings: dict[str, object] = EMBEDDED if kind == "embedded database" else {**own_database()}
    server = start_server({**settings, "rendering.page_timeout_s": 600, "rendering.processes": 2})
    user, program = Client(server.url, "somebody"), operator(server, settings)
    done = user.end_of(user.submit(text_pdf(3)))
    image = user.chapter(done)["pages"][0]["background_url"]
    running = hanging_job(user, server)
    visitors = Visitors(server.url)
    visitors.start()
    wait_until(lambda: visitors.rounds > 0, what="chapters that come and go")
    program.run("backup", "backup")
    visitors.stop()
    server.kill()
    backup = server.folder / "backup"
    recorded = json.loads((backup / "backup.json").read_text())
    assert recorded["content"]["missing"] == 0

    shutil.rmtree(server.data)
    elsewhere = settings if settings is EMBEDDED else {**own_database()}
    data = tmp_path / "server1" / "data"
    on_new_machine = Program(tmp_path, settings={"storage.data_dir": str(data), **elsewhere})
    assert "restored the database" in on_new_machine.run("restore", str(backup)).stdout
    assert files(data) == files(backup)
    restored = start_server(elsewhere)
    user.url = visitors.user.url = restored.url
    assert user.job(running)["error"] == RESTARTED
    check_end(user, user.job(done["job_id"]))
    # The key that signed the address is in the backup too.
    assert user.get(image).status_code == 200
    jobs = visitors.user.get("/api/v1/books/jobs?limit=100").json()["jobs"]
    chapters = {
        chapter["chapter_id"]
        for client in (user, visitors.user)
        for chapter in client.get(f"/api/v1/books/{client.book_id}/chapters").json()["chapters"]
    }
    for job in jobs:
        assert job["status"] in ("completed", "failed"), job
        if job["status"] == "failed" or job["result"]["chapter_id"] in chapters:
            check_end(visitors.user, job)
    assert set(published(data)) == chapters and staged(data) == []
    assert restored.stop() == 0


@pytest.fixture
def stopped(
    start_server: StartServer, shared: dict[str, str]
) -> Iterator[tuple[ServerProcess, Client, Json]]:
    """A server that has stopped, its user, and their completed job."""
    server = start_server(shared)
    user = Client(server.url, "somebody")
    job = user.end_of(user.submit(text_pdf(3)))
    assert server.stop() == 0
    yield server, user, job
    assert server.stop() == 0


def test_a_restore_replaces_only_if_it_is_told_to(
    stopped: tuple[ServerProcess, Client, Json], shared: dict[str, str]
) -> None:
    server, user, job = stopped
    program = operator(server, shared)
    program.run("backup", "backup")
    assert "is not empty" in program.run("backup", "backup", expect=1).stderr
    before = files(server.data)
    chapter = server.data / "chapters" / published(server.data)[0]
    shutil.rmtree(chapter)
    damaged = program.run("backup", "damaged", "--json")
    assert json.loads(damaged.stdout)["missing"] == 1
    (server.data / "uploads" / "unknown.pdf").touch()
    assert "use --replace" in program.run("restore", "backup", expect=1).stderr
    program.run("restore", "backup", "--replace")
    assert files(server.data) == before | {"uploads/unknown.pdf"}
    server.start()
    check_end(user, user.job(job["job_id"]))


def test_the_database_alone_can_be_backed_up_and_put_back(
    stopped: tuple[ServerProcess, Client, Json],
    shared: dict[str, str],
    records: Records,
    tmp_path: Path,
) -> None:
    server, user, job = stopped
    program = operator(server, shared)
    assert program.run("backup", "backup", "--no-files").stdout.startswith(
        "backed up the database and 0 files"
    )
    records["books"].insert_one({"book_id": "later"})
    before = files(server.data)
    program.run("restore", "backup", "--replace")
    assert records["books"].find_one({"book_id": "later"}) is None
    assert files(server.data) == before
    elsewhere = Program(tmp_path, settings={**shared, "storage.data_dir": "data"})
    backup = str(server.folder / "backup")
    assert "of another data folder" in elsewhere.run("restore", backup, expect=1).stderr
    server.start()
    check_end(user, user.job(job["job_id"]))


def test_neither_half_a_backup_nor_half_a_restore_is_ever_served(
    stopped: tuple[ServerProcess, Client, Json],
    shared: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, user, job = stopped
    program, backup = operator(server, shared), server.folder / "backup"
    program.run("backup", "backup")
    dumped, manifest = backup / "database" / "books.bson", backup / "backup.json"
    for path, message in ((dumped, "is damaged"), (manifest, "is not a complete backup")):
        whole = path.read_bytes()
        path.unlink()
        assert message in program.run("restore", "backup", "--replace", expect=1).stderr
        path.write_bytes(whole)

    def interrupted(*_: object, **__: object) -> int:
        raise OSError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(Dump, "read", interrupted)
        with pytest.raises(OSError, match="power cut"):
            backups.restore(config_of(server, shared), backup, replace=True)
    assert "do not belong together" in server.refusal()
    program.run("restore", "backup", "--replace")
    server.start()
    check_end(user, user.job(job["job_id"]))


def test_what_is_removed_during_a_backup_is_left_out_with_its_record(
    stopped: tuple[ServerProcess, Client, Json],
    shared: dict[str, str],
    records: Records,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, _, _ = stopped
    [chapter_id] = published(server.data)
    copy_all = backups._copy

    def copy(source: Path, target: Path) -> None:
        """A user removes the chapter while its files are copied."""
        copy_all(source, target)
        if source.name == chapter_id:
            records["book_chapters"].delete_one({"chapter_id": chapter_id})
            shutil.rmtree(source)

    monkeypatch.setattr(backups, "_copy", copy)
    target = server.folder / "backup"
    assert backups.backup(config_of(server, shared), target).missing == 0
    assert list((target / "chapters").iterdir()) == []
    assert (target / "database" / "book_chapters.bson").read_bytes() == b""
    assert len(list((target / "uploads").iterdir())) == 1
    server.start()
