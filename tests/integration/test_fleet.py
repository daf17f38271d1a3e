"""Several machines work on jobs together, and any of them may be slow, doubled, late or away."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from tests.conftest import StartServer
from tests.integration.conftest import Records
from tests.support.brokers import Broker, Redis
from tests.support.client import Client, Json
from tests.support.command import Program
from tests.support.fleet import Fleet, WorkerProcess
from tests.support.leftovers import check_end
from tests.support.objects import Bucket
from tests.support.pdfs import BOOK, SHARED, hanging_pdf, stuck_pdf, text_pdf
from tests.support.processes import busy_renderer
from tests.support.waiting import wait_until
from wordai_jobs.clock import utc_now
from wordai_jobs.jobs.celery.messages import Messages, create_celery
from wordai_jobs.model.work import Task

pytestmark = [pytest.mark.long_file(200), pytest.mark.fleet]

SEARCH = "/api/v1/search?q=display list&limit=100"
StartFleet = Callable[..., Fleet]
# The messages of a job in their order; pages are counted in between.
STAGES = (
    r"PDF chapter creation job enqueued",
    r"Downloading PDF: document\.pdf",
    r"Extracting pages from PDF\.\.\.",
    r"Processed (\d+)/60 pages\.\.\.",
    r"Processed 60 pages\. Creating chapter\.\.\.",
    r"Chapter created successfully with 60 pages",
)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A broker for tests that do not stop it."""
    running = Redis(tmp_path_factory.mktemp("redis")).start()
    yield running
    running.kill()


@pytest.fixture
def new_fleet(
    tmp_path: Path, bucket: Bucket, shared: dict[str, str], redis: Redis
) -> Iterator[StartFleet]:
    """Makes a fleet with the test's settings; ends what is left of it after the test."""
    made: list[Fleet] = []

    def make(broker: Broker = redis, **settings: object) -> Fleet:
        named = {name.replace("__", "."): value for name, value in settings.items()}
        named.setdefault("rendering.dpi", 72)  # as servers of other tests
        made.append(Fleet(tmp_path / f"fleet{len(made)}", broker, bucket, shared, named))
        return made[-1]

    yield make
    for fleet in made:
        fleet.close()


def pages_rendered(worker: WorkerProcess) -> int:
    text = requests.get(f"http://127.0.0.1:{worker.health_port}/metrics", timeout=10).text
    found = re.search(r"^wordai_jobs_page_render_duration_seconds_count (\S+)$", text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def stage_of(job: Json) -> int:
    return next(
        number for number, stage in enumerate(STAGES) if re.fullmatch(stage, job["message"])
    )


@pytest.mark.needs_shared_pdfs
def test_two_workers_make_of_a_book_what_one_machine_makes(
    new_fleet: StartFleet, start_server: StartServer, bucket: Bucket
) -> None:
    book = (SHARED / BOOK).read_bytes()
    alone = start_server()
    reader = Client(alone.url, "somebody")
    expected = reader.end_of(reader.submit(book), 120)

    fleet = new_fleet()
    workers = [fleet.worker() for _ in range(2)]
    user = Client(fleet.server().url, "somebody")
    for worker in workers:
        worker.wait_until_ready()
    total, rendered = expected["result"]["total_pages"], [0, 0]
    for _ in range(3):  # while other tests run, one worker may get less of the processor
        job = user.end_of(user.submit(book), 120)
        check_end(user, job)
        before, rendered = rendered, [pages_rendered(worker) for worker in workers]
        parts = [now - was for now, was in zip(rendered, before, strict=True)]
        assert sum(parts) == total
        if min(parts) >= 0.3 * total:
            break
    else:
        pytest.fail(f"one worker rendered less than a third of each book: {parts} of the last one")
    folder = alone.data / "chapters" / expected["result"]["chapter_id"]
    prefix = f"chapters/{job['result']['chapter_id']}/"
    assert {key.removeprefix(prefix) for key in bucket.below(prefix)} == {
        path.name for path in folder.iterdir()
    }
    for path in folder.iterdir():
        assert bucket.get(prefix + path.name) == path.read_bytes(), path.name
    found = [
        [(hit["page_number"], hit["boxes"]) for hit in client.get(SEARCH).json()["hits"]]
        for client in (user, reader)
    ]
    assert len(found[0]) > 10 and found[0] == found[1]
    theirs, ours = reader.chapter(expected), user.chapter(job)
    assert ours["outline"] == theirs["outline"]
    labels = [[page["label"] for page in chapter["pages"]] for chapter in (theirs, ours)]
    assert labels[0] == labels[1]


def test_either_of_two_servers_shows_the_same_job_on_its_way(new_fleet: StartFleet) -> None:
    fleet = new_fleet()
    first, second = fleet.server(), fleet.server()
    user = Client(first.url, "somebody")
    other = Client(second.url, "somebody", user.token)
    job_id = user.submit(text_pdf(60))
    assert other.job(job_id)["message"] == "PDF chapter creation job enqueued"
    fleet.worker()
    seen = []
    for _ in range(100_000):
        seen += [user.job(job_id), other.job(job_id)]
        if seen[-1]["status"] == "completed":
            break
    assert seen == sorted(seen, key=lambda job: (job["progress"], job["updated_at"]))
    stages = [stage_of(job) for job in seen]
    assert stages == sorted(stages) and {0, 3, 5} <= set(stages)
    check_end(user, seen[-1])
    assert other.get(f"/api/v1/books/jobs/{job_id}/pages").json() == (
        user.get(f"/api/v1/books/jobs/{job_id}/pages").json()
    )


def test_parts_stand_in_the_order_in_which_two_servers_took_them(new_fleet: StartFleet) -> None:
    fleet = new_fleet(jobs__workers=2)
    first, second = fleet.server(), fleet.server()
    user = Client(first.url, "somebody")
    file_id, book = user.upload(text_pdf(70)).json()["file_id"], f"/api/v1/books/{user.book_id}"
    parts = [
        {"title": "Long", "first_page": 1, "last_page": 66},
        {"title": "Short", "first_page": 67, "last_page": 69},
    ]
    body = {"file_id": file_id, "parts": parts}
    jobs = user.post(f"{book}/chapters/from-outline", json=body).json()["jobs"]
    last = {"file_id": file_id, "title": "Last", "first_page": 70}
    other = Client(second.url, "somebody", user.token)
    jobs.append(other.post(f"{book}/chapters/from-pdf", json=last).json())
    fleet.worker()
    for job in jobs:
        check_end(user, user.end_of(job["job_id"]))
    listed = user.get(f"{book}/chapters").json()["chapters"]
    assert [(it["title"], it["order_index"], it["total_pages"]) for it in listed] == [
        ("Long", 0, 66),
        ("Short", 1, 3),
        ("Last", 2, 1),
    ]
    for chapter, page, in_pdf in ((listed[0], 66, 66), (listed[1], 1, 67), (listed[2], 1, 70)):
        address = f"{book}/chapters/{chapter['chapter_id']}/pages/{page}"
        assert user.get(address).json()["text"].startswith(f"page {in_pdf} of 70")


def test_pages_can_be_read_while_the_job_still_runs(new_fleet: StartFleet) -> None:
    fleet = new_fleet(rendering__page_timeout_s=600)
    fleet.worker()
    user = Client(fleet.server().url, "somebody")
    job_id = user.submit(stuck_pdf(before=40, pages=45))

    def some_pages() -> list[Json]:
        pages: list[Json] = user.get(f"/api/v1/books/jobs/{job_id}/pages").json()["pages"]
        return pages if len(pages) >= 8 else []

    pages = wait_until(some_pages, 60, "the first pages")
    for page in pages:
        assert user.get(page["background_url"]).content[:4] == b"\x89PNG"
    done = re.fullmatch(r"Processed (\d+)/46 pages\.\.\.", user.job(job_id)["message"])
    assert done and int(done[1]) >= len(pages), "progress counts pages that are stored"


def test_a_server_renders_images_in_other_resolutions_and_forgets_removed_ones(
    new_fleet: StartFleet,
) -> None:
    fleet = new_fleet()
    first, second = fleet.server(), fleet.server()
    fleet.worker()
    user = Client(first.url, "somebody")
    chapter = user.chapter(user.end_of(user.submit(text_pdf(1)), 90))
    address = f"{chapter['pages'][0]['background_url']}&dpi=75"
    for server in (first, second):
        assert requests.get(f"{server.url}{address}", timeout=30).status_code == 200
    path = f"/api/v1/books/{user.book_id}/chapters/{chapter['chapter_id']}"
    assert user.request("DELETE", path).status_code == 204
    for server in (first, second):
        assert requests.get(f"{server.url}{address}", timeout=30).status_code == 404


def test_a_cancelled_job_leaves_nothing_and_its_renderer_is_free_soon(
    new_fleet: StartFleet, bucket: Bucket
) -> None:
    fleet = new_fleet()
    worker = fleet.worker()
    user = Client(fleet.server().url, "somebody")
    job_id = user.submit(stuck_pdf(before=5, pages=10))
    wait_until(lambda: user.job(job_id)["progress"] > 30, 60, "the first pages")
    busy_renderer(worker.pid, 0.2)
    cancelled = user.post(f"/api/v1/books/jobs/{job_id}/cancel")
    assert cancelled.status_code == 200 and cancelled.json()["error"] == "Cancelled by user"
    after = user.end_of(user.submit(text_pdf(1)))  # the only renderer takes it
    check_end(user, after)
    kept = f"chapters/{after['result']['chapter_id']}/"
    wait_until(lambda: bucket.below("chapters/") == bucket.below(kept), 10, "an empty store")


def test_a_deleted_book_leaves_nothing_in_the_store_even_of_a_job_that_comes_late(
    new_fleet: StartFleet, bucket: Bucket, records: Records
) -> None:
    fleet = new_fleet()
    worker = fleet.worker()
    server = fleet.server()
    user = Client(server.url, "somebody")
    done = user.end_of(user.submit(text_pdf(2)))
    job_id = user.submit(stuck_pdf(before=5, pages=10))
    wait_until(lambda: user.job(job_id)["progress"] > 30, 60, "the first pages")
    assert user.request("DELETE", f"/api/v1/books/{user.book_id}").status_code == 204
    assert user.job(job_id)["error"] == "Cancelled by user" and user.job(done["job_id"]) == done
    wait_until(lambda: not bucket.below("chapters/"), 30, "an empty store")
    worker.stop()
    late = Client(server.url, "late")
    late_id = late.submit(text_pdf(2))
    # As if the request had seen the book just before it was deleted and emptied.
    moment = {"deleted_at": utc_now(), "emptied_at": utc_now()}
    deleted = {"$set": moment, "$unset": {"next_order_index": ""}}
    records["books"].update_one({"book_id": late.book_id}, deleted)
    fleet.worker()
    assert late.end_of(late_id)["error"] == "Cancelled by user"
    wait_until(lambda: not bucket.below("chapters/"), 30, "an empty store")
    assert not list(records["book_chapters"].find({}))


def test_a_user_is_deleted_with_a_chapter_and_a_job_that_no_worker_has_begun(
    new_fleet: StartFleet, bucket: Bucket, records: Records
) -> None:
    fleet = new_fleet()
    worker, server = fleet.worker(), fleet.server()
    user = Client(server.url, "gone-user")
    check_end(user, user.end_of(user.submit(text_pdf(2))))
    worker.stop()
    user.submit(text_pdf(1))
    settings = {**fleet.settings, "storage.data_dir": str(server.data)}
    program = Program(server.folder, fleet.environment, settings)
    assert program.run("users", "delete-user-data", "gone-user", "--yes").stdout.startswith(
        "Deleted of gone-user: 1 book, 1 chapter, 2 PDFs, 0 positions, 2 jobs (1 of them cancelled)"
    )
    assert not bucket.below("chapters/") and not bucket.below("uploads/")
    for collection in records.list_collection_names():
        assert "gone-user" not in str(list(records[collection].find({})))


@pytest.mark.parametrize(
    ("pdf", "settings", "error"),
    [
        (stuck_pdf(40, 45), {"rendering__page_timeout_s": 3}, "Page 41 took longer than 3 s"),
        (hanging_pdf(), {"jobs__timeout_s": 3}, "Job took longer than 3 s"),
    ],
    ids=["a page that hangs", "a job that is out of time"],
)
def test_a_job_fails_with_the_words_of_one_machine_and_leaves_nothing(
    new_fleet: StartFleet, bucket: Bucket, pdf: bytes, settings: dict[str, int], error: str
) -> None:
    fleet = new_fleet(**settings)
    fleet.worker()
    user = Client(fleet.server().url, "somebody")
    job = user.end_of(user.submit(pdf), 60)
    assert job["error"] == error
    check_end(user, job)
    wait_until(lambda: not bucket.below("chapters/"), 10, "an empty store")


def test_a_page_of_another_user_does_not_wait_for_a_book(new_fleet: StartFleet) -> None:
    fleet = new_fleet()
    fleet.worker().wait_until_ready()
    url = fleet.server().url
    reader, other = Client(url, "reader"), Client(url, "other")
    book_id = reader.submit(text_pdf(1000))
    wait_until(lambda: reader.job(book_id)["progress"] > 30, 60, "the first pages of the book")
    check_end(other, other.end_of(other.submit(text_pdf(1))))
    assert reader.job(book_id)["progress"] < 60, "the page waited for most of the book"
    reader.post(f"/api/v1/books/jobs/{book_id}/cancel")


def test_without_a_broker_jobs_are_taken_in_and_go_on_when_it_is_back(
    new_fleet: StartFleet, tmp_path: Path
) -> None:
    broker = Redis(tmp_path / "redis").start()
    fleet = new_fleet(broker)
    fleet.worker().wait_until_ready()
    user = Client(fleet.server().url, "somebody")
    broker.kill()
    job_ids = [user.submit(text_pdf(3)) for _ in range(2)]
    assert {user.job(job_id)["status"] for job_id in job_ids} == {"pending"}
    broker.start()
    try:
        for job_id in job_ids:
            check_end(user, user.end_of(job_id))
    finally:
        broker.kill()


def test_messages_that_are_doubled_late_or_wrong_change_nothing(
    new_fleet: StartFleet, bucket: Bucket, redis: Redis, shared: dict[str, str]
) -> None:
    fleet = new_fleet()
    user = Client(fleet.server().url, "somebody")
    messages = Messages(create_celery(redis.url, shared["mongodb.database"]))
    job_id = user.submit(text_pdf(80))

    def send_all(job_id: str) -> None:
        for first in (1, 33, 65, 1, 33, 65):
            messages.render_pages(job_id, Task(first, min(first + 31, 80)), utc_now())
        for _ in range(3):
            messages.create_chapter(job_id, utc_now() - timedelta(days=1))

    send_all(job_id)
    workers = [fleet.worker(), fleet.worker()]
    job = user.end_of(job_id)
    send_all(job_id)
    send_all("another-job")
    check_end(user, user.end_of(user.submit(text_pdf(1))))  # whatever was sent before has arrived
    assert user.job(job_id) == job
    check_end(user, job)
    chapters = user.get(f"/api/v1/books/{user.book_id}/chapters").json()["chapters"]
    assert len(chapters) == 2
    for worker in workers:
        assert "ERROR" not in worker.log, worker.log[-2000:]


def test_a_worker_that_is_stopped_leaves_its_pages_to_another(new_fleet: StartFleet) -> None:
    fleet = new_fleet()
    first = fleet.worker().wait_until_ready()
    user = Client(fleet.server().url, "somebody")
    job_id = user.submit(text_pdf(250))
    wait_until(lambda: user.job(job_id)["progress"] > 30, 60, "the first pages")
    second = fleet.worker().wait_until_ready()
    assert first.stop() == 0, first.log[-3000:]
    check_end(user, user.end_of(job_id))
    assert second.stop() == 0 and "ERROR" not in first.log + second.log


def test_a_worker_that_is_ready_takes_messages(new_fleet: StartFleet, redis: Redis) -> None:
    # Workers of other tests use another database of the broker.
    broker = redis.url.replace("/0", "/2")
    new_fleet(jobs__broker=broker).worker().wait_until_ready()
    assert len(create_celery(broker, "any").control.ping(timeout=30, limit=1)) == 1


def test_doctor_names_the_workers_that_answer(
    new_fleet: StartFleet, tmp_path: Path, redis: Redis
) -> None:
    fleet = new_fleet()
    # Workers of other tests use another database of the broker.
    settings = {**fleet.settings, "jobs.broker": redis.url.replace("/0", "/1")}
    program = Program(tmp_path / "doctor", fleet.environment, settings)
    found = program.run("doctor").stdout
    assert "ok       broker: can be reached" in found
    assert "warning  workers: none answers, so jobs wait" in found
    assert "ok       clock: agrees with the database's" in found
    worker = fleet.worker({"jobs.broker": settings["jobs.broker"]}).wait_until_ready()
    found = program.run("doctor").stdout
    assert f"ok       workers: 1 answer: worker{worker.pid}@" in found
    settings["jobs.broker"] = "redis://127.0.0.1:1"
    away = Program(tmp_path / "away", fleet.environment, settings).run("doctor", expect=1).stdout
    assert "problem  broker: cannot be reached" in away


def test_a_worker_needs_the_engine_celery(tmp_path: Path) -> None:
    refused = Program(tmp_path).run("worker", expect=1).stderr
    assert refused == "wordai-jobs: Configuration: jobs.engine must be celery for a worker\n"
    refused = Program(tmp_path).run("worker", "--listen", "nowhere", expect=2).stderr
    assert "must be HOST:PORT" in refused


def test_a_sweep_does_not_end_the_jobs_of_a_fleet(new_fleet: StartFleet, tmp_path: Path) -> None:
    fleet = new_fleet()
    user = Client(fleet.server().url, "somebody")
    job_id = user.submit(text_pdf(1))
    refused = Program(tmp_path, fleet.environment, fleet.settings).run("sweep", expect=1).stderr
    assert "there is nothing to sweep" in refused
    assert user.job(job_id)["status"] == "pending"


def test_the_jobs_of_one_user_do_not_delay_those_of_another(new_fleet: StartFleet) -> None:
    fleet = new_fleet(jobs__workers=2)
    url = fleet.server().url
    greedy, other = Client(url, "greedy"), Client(url, "other")
    file_id = greedy.upload(text_pdf(60)).json()["file_id"]
    greedy_ids = [greedy.enqueue(file_id).json()["job_id"] for _ in range(5)]
    other_id = other.submit(text_pdf(1))
    fleet.worker()
    check_end(other, other.end_of(other_id))
    assert greedy.job(greedy_ids[-1])["status"] == "pending", "it has not had its turn yet"
    for job_id in greedy_ids:
        assert greedy.end_of(job_id, 120)["status"] == "completed"


def test_two_workers_on_one_machine_need_two_data_folders(new_fleet: StartFleet) -> None:
    fleet = new_fleet()
    running = fleet.worker().wait_until_ready()
    twin = WorkerProcess(running.folder, fleet.settings, fleet.environment)
    twin.log_path = running.folder / "twin.log"
    twin.launch()
    assert twin.process and twin.process.wait(60) == 1
    assert "is using the data folder" in twin.log.splitlines()[-1]


def test_servers_that_start_at_the_same_moment_draw_one_identity(
    new_fleet: StartFleet, bucket: Bucket
) -> None:
    fleet = new_fleet()
    starting = [threading.Thread(target=fleet.server) for _ in range(2)]
    for thread in starting:
        thread.start()
    worker = fleet.worker().wait_until_ready()
    for thread in starting:
        thread.join()
    users = [Client(server.url, "somebody") for server in fleet.servers]
    assert len(users) == 2
    for user in users:
        check_end(user, user.end_of(user.submit(text_pdf(1))))
    assert worker.stop() == 0
