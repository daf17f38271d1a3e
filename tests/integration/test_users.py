"""What operators do with the data of users, beside a running server and without one."""

import json
from collections.abc import Iterator
from pathlib import Path

import pymongo
import pytest

from tests.support.client import Client
from tests.support.command import Program
from tests.support.databases import own_database
from tests.support.held import hanging_job
from tests.support.leftovers import check_end, files, published, staged
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.server import EMBEDDED, ServerProcess

pytestmark = pytest.mark.long_file(25)


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return own_database()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]
) -> Iterator[ServerProcess]:
    slow = {"jobs.workers": 1, "rendering.processes": 1, "rendering.page_timeout_s": 600}
    running = ServerProcess(tmp_path_factory.mktemp("server"), {**settings, **slow}).start()
    yield running
    running.kill()


@pytest.fixture
def program(server: ServerProcess, settings: dict[str, str]) -> Program:
    return operators(server, settings)


def operators(server: ServerProcess, settings: dict[str, str]) -> Program:
    return Program(server.folder, settings={"storage.data_dir": str(server.data), **settings})


def with_data(server: ServerProcess, name: str) -> Client:
    """A user with one completed job, a position in its chapter, and a book without chapters."""
    user = Client(server.url, name)
    chapter_id = user.end_of(user.submit(text_pdf(2)))["result"]["chapter_id"]
    path = f"/api/v1/books/{user.book_id}/chapters/{chapter_id}/position"
    assert user.request("PUT", path, json={"page_number": 2}).ok
    user.post("/api/v1/books", json={"title": "Empty"})
    return user


def check_nothing_of(name: str, settings: dict[str, str]) -> None:
    with pymongo.MongoClient[dict[str, object]](settings["mongodb.uri"]) as client:
        database = client[settings["mongodb.database"]]
        for collection in database.list_collection_names():
            assert name not in str(list(database[collection].find({})))


def test_everything_of_a_user_is_deleted_beside_a_running_server(
    server: ServerProcess, settings: dict[str, str], program: Program
) -> None:
    kept = with_data(server, "kept-user")
    before = files(server.data)
    gone = with_data(server, "gone-user")
    hanging_job(gone, server)
    gone.submit(photo_pdf())
    listed = program.run("users", "list").stdout.splitlines()
    assert listed[0].split() == ["STORED", "BOOKS", "CHAPTERS", "UNFINISHED", "JOBS", "USER"]
    assert [line.split()[2:] for line in listed[1:]] == [
        ["2", "1", "2", "gone-user"],
        ["2", "1", "0", "kept-user"],
    ]
    shown = json.loads(program.run("users", "usage", "gone-user", "--json").stdout)
    sizes = [path.stat().st_size for path in (server.data / "chapters").glob("*/*")]
    assert shown["page_bytes"] * 2 == sum(sizes) and shown["uploads"] == 3
    assert "3, 2 of them unfinished" in program.run("users", "usage", "gone-user").stdout

    program.run("users", "delete-user-data", "gone-user", expect=130)
    said = program.run("users", "delete-user-data", "gone-user", "--yes").stdout
    assert said.startswith(
        "Deleted of gone-user: 2 books, 1 chapter, 3 PDFs, 1 position, 3 jobs (2 of them cancelled)"
    )
    check_nothing_of("gone-user", settings)
    assert files(server.data) == before and staged(server.data) == []
    assert gone.get("/api/v1/books").json() == {"books": []}
    assert program.run("users", "delete-user-data", "gone-user", "--yes").stdout == (
        "Nothing of gone-user is stored\n"
    )
    for job in kept.get("/api/v1/books/jobs").json()["jobs"]:
        check_end(kept, job)
    check_end(gone, gone.end_of(with_new_book(gone).submit(photo_pdf())))


def with_new_book(user: Client) -> Client:
    user._book_id = None
    return user


def test_everything_of_a_user_is_deleted_without_a_server(tmp_path: Path) -> None:
    """With the embedded database, which the command starts; a job was running when it died."""
    slow = {"rendering.processes": 1, "rendering.page_timeout_s": 600}
    server = ServerProcess(tmp_path / "server", {**EMBEDDED, **slow}).start()
    user = with_data(server, "gone-user")
    hanging_job(user, server)
    program = operators(server, {})
    beside = json.loads(program.run("users", "list", "--json").stdout)["users"]
    assert [usage["unfinished_jobs"] for usage in beside] == [1]
    server.kill()
    assert "(1 of them cancelled)" in (
        program.run("users", "delete-user-data", "gone-user", "--yes").stdout
    )
    assert files(server.data) == set() and published(server.data) == staged(server.data) == []
    assert json.loads(program.run("users", "list", "--json").stdout) == {"users": []}


def test_a_wrong_database_deletes_nothing(server: ServerProcess, program: Program) -> None:
    with_data(server, "careless-user")
    before = files(server.data)
    wrong = operators(server, own_database())
    refused = wrong.run("users", "delete-user-data", "careless-user", "--yes", expect=1)
    assert "do not belong together" in refused.stderr and files(server.data) == before
