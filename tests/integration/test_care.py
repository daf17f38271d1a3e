"""Books and chapters are renamed, moved and deleted, and what is deleted leaves nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

import pytest

from tests.conftest import StartServer
from tests.integration.conftest import Records
from tests.support.client import Client, Json
from tests.support.held import hanging_job
from tests.support.leftovers import files, published, staged
from tests.support.pdfs import photo_pdf, text_pdf
from tests.support.server import ServerProcess
from tests.support.waiting import wait_until
from wordai_jobs.clock import utc_now
from wordai_jobs.database.client import Database
from wordai_jobs.jobs.book_removal import BookRemoval
from wordai_jobs.library.quota import Quota
from wordai_jobs.model.book import Book
from wordai_jobs.model.chapter import Chapter
from wordai_jobs.model.position import Position
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.storage import FolderStorage

pytestmark = pytest.mark.long_file(30)

MISSING = "8d0f2a36-2f7b-4f0e-8b3c-000000000000"


def book_path(user: Client) -> str:
    return f"/api/v1/books/{user.book_id}"


def chapter_of(user: Client, **fields: object) -> Json:
    """A new chapter of one page."""
    return user.chapter(user.end_of(user.submit(photo_pdf(), **fields)))


def patch_chapter(user: Client, chapter: Json, **changes: object) -> tuple[int, Json]:
    path = f"{book_path(user)}/chapters/{chapter['chapter_id']}"
    response = user.request("PATCH", path, json=changes)
    return response.status_code, response.json()


def chapters(user: Client) -> list[Json]:
    found: list[Json] = user.get(f"{book_path(user)}/chapters").json()["chapters"]
    return found


def test_a_book_gets_another_title(alice: Client) -> None:
    before = alice.get(book_path(alice)).json()
    response = alice.request("PATCH", book_path(alice), json={"title": "  Sách   mới "})
    assert response.status_code == 200
    renamed = response.json()
    assert renamed == {**before, "title": "Sách mới", "updated_at": renamed["updated_at"]}
    assert renamed["updated_at"] > before["updated_at"]
    assert alice.get(book_path(alice)).json() == renamed
    for wrong in ({"title": ""}, {"title": None}, {}, {"title": "T", "user_id": "bob"}):
        assert alice.request("PATCH", book_path(alice), json=wrong).status_code == 422
    assert (
        alice.request("PATCH", f"/api/v1/books/{MISSING}", json={"title": "T"}).status_code == 404
    )


def test_each_field_of_a_chapter_can_be_changed_and_the_others_stay(alice: Client) -> None:
    chapter = chapter_of(alice, title="Chapter One")
    not_in_lists = {"pages", "outline", "file_id"}
    shown = {name: value for name, value in chapter.items() if name not in not_in_lists}
    above = chapter_of(alice, title="Above")
    for changes in (
        {"title": "Chương hai"},  # the slug stays: addresses that people have noted keep working
        {"slug": "chuong-2"},
        {"order_index": 7},
        {"parent_id": above["chapter_id"]},
        {"parent_id": None},
        {"is_published": False, "is_preview_free": True},
        {},
    ):
        status, changed = patch_chapter(alice, chapter, **changes)
        shown |= {**changes, "updated_at": changed["updated_at"]}
        assert (status, changed) == (200, shown)
    assert chapters(alice)[1] == shown
    assert shown["updated_at"] > chapter["updated_at"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"title": " "}, 422),
        ({"title": None}, 422),
        ({"slug": "No Slug"}, 422),
        ({"slug": "taken"}, 409),
        ({"order_index": -1}, 422),
        ({"order_index": "1"}, 422),
        ({"is_published": None}, 422),
        ({"parent_id": MISSING}, 404),
        ({"pages": []}, 422),
    ],
    ids=str,
)
def test_a_wrong_change_of_a_chapter_changes_nothing(
    two_chapters: tuple[Client, Json], changes: Json, status: int
) -> None:
    user, chapter = two_chapters
    before = chapters(user)
    refused, body = patch_chapter(user, chapter, **changes)
    assert refused == status, body
    assert chapters(user) == before


@pytest.fixture(scope="module")
def two_chapters(server: ServerProcess) -> tuple[Client, Json]:
    user = Client(server.url, f"carer-{uuid4().hex[:8]}")
    chapter = chapter_of(user)
    chapter_of(user, slug="taken")
    return user, chapter


def test_a_chapter_cannot_be_below_itself_or_in_another_book(alice: Client, bob: Client) -> None:
    top, middle, low = (chapter_of(alice, title=title) for title in ("Top", "Middle", "Low"))
    for chapter, above in ((middle, top), (low, middle)):
        assert patch_chapter(alice, chapter, parent_id=above["chapter_id"])[0] == 200
    cycle = (422, {"detail": "parent_id must not be the chapter itself, or one below it"})
    assert patch_chapter(alice, top, parent_id=low["chapter_id"]) == cycle
    assert patch_chapter(alice, top, parent_id=top["chapter_id"]) == cycle
    theirs = chapter_of(bob)["chapter_id"]
    assert patch_chapter(alice, top, parent_id=theirs)[0] == 404
    path = f"{book_path(alice)}/chapters/{middle['chapter_id']}"
    assert alice.request("DELETE", path).status_code == 204
    assert {each["title"]: each["parent_id"] for each in chapters(alice)} == {
        "Top": None,
        "Low": top["chapter_id"],
    }, "it has taken the place of the deleted one"


def test_two_moves_at_once_never_put_chapters_below_each_other(alice: Client) -> None:
    one, two = chapter_of(alice, title="One"), chapter_of(alice, title="Two")
    pairs = [(one, two), (two, one)]
    with ThreadPoolExecutor(2) as threads:
        for _ in range(10):
            list(
                threads.map(
                    lambda pair: patch_chapter(alice, pair[0], parent_id=pair[1]["chapter_id"]),
                    pairs,
                )
            )
            assert None in {each["parent_id"] for each in chapters(alice)}
            for chapter in (one, two):
                assert patch_chapter(alice, chapter, parent_id=None)[0] == 200


def put_position(user: Client, chapter: Json, page_number: object) -> int:
    path = f"{book_path(user)}/chapters/{chapter['chapter_id']}/position"
    return user.request("PUT", path, json={"page_number": page_number}).status_code


def test_a_chapter_remembers_where_its_reader_stopped(alice: Client) -> None:
    long = alice.chapter(alice.end_of(alice.submit(text_pdf(3), title="Long")))
    short = chapter_of(alice, title="Short")
    assert "position" not in long and alice.get("/api/v1/reading").json() == {"positions": []}
    assert [put_position(alice, long, page) for page in (3, 2)] == [204, 204]
    assert put_position(alice, short, 1) == 204
    assert [put_position(alice, long, page) for page in (0, 4, "1", None)] == [422] * 4
    by_title = {each["title"]: each for each in chapters(alice)}
    position = by_title["Long"]["position"]
    assert position["page_number"] == 2
    path = f"{book_path(alice)}/chapters/{long['chapter_id']}"
    assert alice.get(path).json()["position"] == position
    newest, other = alice.get("/api/v1/reading").json()["positions"]
    assert newest["chapter_title"] == "Short" and newest["page_number"] == 1
    assert other == {
        "book_id": alice.book_id,
        "book_title": f"A book of {alice.user_id}",
        "chapter_id": long["chapter_id"],
        "chapter_title": "Long",
        "page_number": 2,
        "total_pages": 3,
        "updated_at": position["updated_at"],
    }
    assert alice.request("DELETE", path).status_code == 204
    assert put_position(alice, long, 1) == 404
    assert [each["chapter_title"] for each in alice.get("/api/v1/reading").json()["positions"]] == [
        "Short"
    ]


BUSY = {"jobs.workers": 1, "rendering.page_timeout_s": 600}


@pytest.fixture
def busy(start_server: StartServer, shared: dict[str, str]) -> ServerProcess:
    """A server whose only worker can be kept by one job."""
    return start_server({**shared, **BUSY})


def check_nothing_is_left(server: ServerProcess, records: Records, book_id: str) -> None:
    """Only that the book was deleted is remembered, and the uploads, until they expire."""
    assert published(server.data) == [] and staged(server.data) == []
    for name in ("book_chapters", "reading_positions"):
        assert list(records[name].find({"book_id": book_id})) == []
    remembered = records["books"].find_one({"book_id": book_id}) or {}
    assert set(remembered) <= {"_id", "book_id", "deleted_at", "emptied_at", "updated_at"}
    assert "deleted_at" in remembered


def test_deleting_a_book_cancels_its_jobs_and_leaves_nothing(
    busy: ServerProcess, records: Records
) -> None:
    user = Client(busy.url, "somebody")
    job = user.end_of(user.submit(photo_pdf()))
    assert put_position(user, job["result"], 1) == 204
    running = hanging_job(user, busy)
    waiting = [user.submit(photo_pdf()) for _ in range(3)]
    path = book_path(user)
    assert user.request("DELETE", path).status_code == 204
    for gone in (path, f"{path}/chapters", f"{path}/chapters/{job['result']['chapter_id']}"):
        assert user.get(gone).status_code == 404
    assert user.request("DELETE", path).status_code == 404
    assert user.request("PATCH", path, json={"title": "Again"}).status_code == 404
    assert user.get("/api/v1/books").json() == {"books": []}
    assert user.get("/api/v1/reading").json() == {"positions": []}
    for job_id in (running, *waiting):
        ended = user.job(job_id)
        assert (ended["status"], ended["error"]) == ("failed", "Cancelled by user")
        retried = user.post(f"/api/v1/books/jobs/{job_id}/retry")
        assert retried.json() == {"detail": f"Book {user.book_id} not found"}
    assert user.job(job["job_id"]) == job, "it had completed before"
    assert user.get(f"/api/v1/books/jobs/{job['job_id']}/pages").json()["pages"] == []
    check_nothing_is_left(busy, records, user.book_id)
    assert all(name.startswith("uploads/") for name in files(busy.data))


def test_a_job_that_is_enqueued_while_its_book_is_deleted_leaves_nothing(
    busy: ServerProcess, records: Records
) -> None:
    """The request has seen the book, and its job is recorded after the book's jobs have ended."""
    user, other = Client(busy.url, "somebody"), Client(busy.url, "other")
    keeping = hanging_job(other, busy)
    job_id = user.submit(photo_pdf())
    now = datetime.now(UTC)
    records["books"].update_one(
        {"book_id": user.book_id},
        {
            "$set": {"deleted_at": now, "emptied_at": now},
            "$unset": dict.fromkeys(("title", "user_id", "created_at", "next_order_index"), ""),
        },
    )
    other.post(f"/api/v1/books/jobs/{keeping}/cancel")
    job = user.end_of(job_id)
    assert (job["status"], job["error"]) == ("failed", "Cancelled by user")
    check_nothing_is_left(busy, records, user.book_id)


def test_a_book_that_is_deleted_while_jobs_come_and_end_leaves_nothing(
    start_server: StartServer, shared: dict[str, str], records: Records
) -> None:
    server = start_server({**shared, "rendering.dpi": 72})
    user = Client(server.url, "somebody")
    file_id = user.upload(text_pdf(2)).json()["file_id"]
    for round_ in range(8):
        user._book_id = None
        book_id, path = user.book_id, book_path(user)

        def enqueue(_: int) -> str | None:
            response = user.enqueue(file_id)
            assert response.status_code in (202, 404), response.text
            job_id: str | None = response.json().get("job_id")
            return job_id

        with ThreadPoolExecutor(4) as threads:
            enqueued = [threads.submit(enqueue, number) for number in range(6)]
            if round_ % 2:
                enqueued[3].result()
            assert user.request("DELETE", path).status_code == 204
            job_ids = [job_id for each in enqueued if (job_id := each.result())]
        for job_id in job_ids:
            job = user.end_of(job_id)
            assert job["status"] == "completed" or job["error"] == "Cancelled by user"
        check_nothing_is_left(server, records, book_id)


def test_a_deletion_that_a_kill_has_interrupted_is_finished_by_the_next_start(
    busy: ServerProcess, records: Records
) -> None:
    """Killed right after the write that deletes the book."""
    user = Client(busy.url, "somebody")
    done, unfinished = (user.end_of(user.submit(photo_pdf())) for _ in range(2))
    assert put_position(user, done["result"], 1) == 204
    hanging = hanging_job(user, busy)
    busy.kill()
    records["pdf_chapter_jobs"].update_one(
        {"job_id": unfinished["job_id"]},
        {"$set": {"status": "processing"}, "$unset": {"completed_at": "", "result": ""}},
    )
    names = ("title", "user_id", "created_at", "updated_at", "next_order_index")
    fields = dict.fromkeys(names, "")
    records["books"].update_one(
        {"book_id": user.book_id}, {"$set": {"deleted_at": datetime.now(UTC)}, "$unset": fields}
    )
    busy.start()
    wait_until(
        lambda: records["books"].find_one({"emptied_at": {"$exists": True}}), what="the chore"
    )
    check_nothing_is_left(busy, records, user.book_id)
    assert user.job(done["job_id"]) == done
    for job_id in (unfinished["job_id"], hanging):
        assert user.job(job_id)["error"] == "Cancelled by user"


def test_a_request_that_deletes_a_large_book_leaves_the_rest_to_the_chore(
    database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each look at the clock takes 4 s, as chapters may in a slow object store."""
    storage = FolderStorage(DataFolder(tmp_path_factory.mktemp("data")))
    now, clock = utc_now(), count(0, 4)
    database.books.insert(book := Book("large", "alice", "T", now, now))
    for number in range(5):
        name = f"large-{number}"
        database.chapters.insert(Chapter(name, "large", "alice", now, now, slug=name))
    removal = BookRemoval(
        *(database, storage, Quota(database, 1), lambda *_: None), now_s=lambda: next(clock)
    )
    removal.delete(book)
    assert 0 < len(database.chapters.ids_of_book("large")) < 5 and not database.books.find("large")
    removal.finish()
    assert database.chapters.ids_of_book("large") == set() == database.books.to_empty()


def test_a_deletion_is_forgotten_once_no_job_of_the_book_can_exist(
    database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    storage = FolderStorage(DataFolder(tmp_path_factory.mktemp("data")))
    now = utc_now()
    deleted, kept = (Book(name, "alice", "T", now, now) for name in ("deleted", "kept"))
    for book in (deleted, kept):
        database.books.insert(book)
        database.positions.put(Position("alice", book.book_id, f"of {book.book_id}", 1, now))
    not_called: Callable[..., None] = lambda *_: pytest.fail("there is no job")  # noqa: E731
    removal = BookRemoval(database, storage, Quota(database, 1), not_called)
    removal.delete(deleted)
    database.positions.put(Position("alice", "deleted", "late", 1, now))
    removal.finish()
    removal.forget(timedelta(days=7))
    assert database.books.is_deleted("deleted") and not database.books.touch("deleted", now)
    removal.forget(timedelta(days=-1))
    assert not database.books.is_deleted("deleted")
    assert [position.book_id for position in database.positions.latest("alice", 9)] == ["kept"]
    assert database.books.find("kept")
