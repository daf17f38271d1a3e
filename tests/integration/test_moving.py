"""A library moves from a data folder to a bucket, and back, as a whole."""

import re
import shutil
import signal
from pathlib import Path

import pytest

from tests.conftest import StartServer
from tests.support.client import Client
from tests.support.command import Program
from tests.support.databases import own_database
from tests.support.leftovers import check_end, files, published
from tests.support.objects import Bucket, environment_for
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.server import ServerProcess
from tests.support.waiting import wait_until
from tests.support.wire import wire_to

pytestmark = [pytest.mark.long_file(30), pytest.mark.fleet]


@pytest.fixture
def program(tmp_path: Path, bucket: Bucket) -> Program:
    return Program(tmp_path / "program", bucket.server.environment)


def test_a_library_moves_to_a_bucket_and_back(
    start_server: StartServer,
    shared: dict[str, str],
    bucket: Bucket,
    program: Program,
    tmp_path: Path,
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    jobs = [user.end_of(user.submit(pdf)) for pdf in (text_pdf(3), photo_pdf())]
    server.stop()
    there = program.run("move-storage", str(server.data), bucket.url).stdout
    assert there.startswith(f"16 files are in {bucket.url}; 16 copied, ")
    assert bucket.keys == files(server.data) | {"identity"}
    moved = on(server, {**shared, "storage.url": bucket.url}, bucket)
    reads_everything(moved, user, jobs)
    added = Client(moved.url, "somebody")
    added._book_id = user.book_id
    jobs.append(added.end_of(added.submit(text_pdf(1))))
    moved.stop()
    back = program.folder / "back"
    program.run("move-storage", bucket.url, str(back))
    assert len(published(back)) == 3 and (back / "identity").exists()
    shutil.copy(server.data / "secret_key", back / "secret_key")
    returned = on(server, {**shared, "storage.data_dir": str(back)}, bucket)
    reads_everything(returned, user, jobs)
    returned.stop()


def on(server: ServerProcess, settings: dict[str, str], bucket: Bucket) -> ServerProcess:
    """The server again, with other settings."""
    return ServerProcess(
        server.folder, {"storage.data_dir": str(server.data), **settings}, bucket.server.environment
    ).start()


def reads_everything(server: ServerProcess, user: Client, jobs: list[dict[str, object]]) -> None:
    user.url = server.url
    for job in jobs:
        check_end(user, user.job(str(job["job_id"])))


def test_a_move_that_was_interrupted_continues(
    start_server: StartServer, shared: dict[str, str], bucket: Bucket, program: Program
) -> None:
    server = start_server(shared)
    user = Client(server.url, "somebody")
    user.end_of(user.submit(text_pdf(150)))
    server.stop()
    moving = program.start("move-storage", str(server.data), bucket.url)
    wait_until(lambda: len(bucket.keys) > 20, what="the first objects")
    moving.send_signal(signal.SIGKILL)
    moving.wait()
    moving.communicate()
    done = len(bucket.keys)
    assert 20 < done < 452 and "identity" not in bucket.keys
    refused = ServerProcess(
        server.folder / "refused", {**shared, "storage.url": bucket.url}, bucket.server.environment
    )
    assert "do not belong together" in refused.refusal()
    again = program.run("move-storage", str(server.data), bucket.url).stdout
    found = re.fullmatch(r"452 files are in (\S+); (\d+) copied, .*\n", again)
    assert found and found[1] == bucket.url
    # The store may still have finished what it had received from each thread of the killed move.
    assert 452 - done - 16 <= int(found[2]) <= 452 - done
    assert bucket.keys == files(server.data) | {"identity"}


def test_a_move_needs_two_places_of_one_library(
    start_server: StartServer, bucket: Bucket, program: Program, tmp_path: Path
) -> None:
    server = start_server()
    busy = program.run("move-storage", str(server.data), bucket.url, expect=1).stderr
    assert "Another running server is using the data folder" in busy
    server.stop()
    unused = program.run("move-storage", str(tmp_path / "unused"), bucket.url, expect=1).stderr
    assert "has no identity: no server has ever used it" in unused
    bucket.put("identity", b"of-another-library\n")
    before = bucket.keys
    other = program.run("move-storage", str(server.data), bucket.url, expect=1).stderr
    assert f"The object store {bucket.url} belongs to another database" in other
    assert bucket.keys == before


def test_a_move_to_a_store_that_is_away_says_so_in_one_line(
    start_server: StartServer, bucket: Bucket, tmp_path: Path
) -> None:
    server = start_server()
    server.stop()
    with wire_to(bucket.server.port) as wire:
        wire.cut()
        program = Program(tmp_path / "program", environment_for(wire.port))
        said = program.run("move-storage", str(server.data), bucket.url, expect=1).stderr
    assert said == "wordai-jobs: Storage: the object store cannot be reached\n"


def test_doctor_tries_everything_that_a_server_does_with_the_store(
    bucket: Bucket, tmp_path: Path
) -> None:
    settings = {**own_database(), "storage.url": bucket.url}
    program = Program(tmp_path, bucket.server.environment, settings)
    found = program.run("doctor").stdout
    ok = "objects can be stored, listed, read and deleted"
    assert f"ok       object store: {bucket.url}: {ok}" in found
    assert bucket.keys == set()
    wrong = Program(tmp_path, bucket.server.environment | {"AWS_SECRET_ACCESS_KEY": "x"}, settings)
    found = wrong.run("doctor", expect=1).stdout
    assert "problem  object store:" in found
    assert "cannot read: the object store refuses access: SignatureDoesNotMatch" in found
