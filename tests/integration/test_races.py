"""Races of jobs have one outcome. Races of requests are in test_job_control."""

from concurrent.futures import ThreadPoolExecutor

from tests.conftest import StartServer
from tests.support.client import Client
from tests.support.pdfs import photo_pdf


def test_chapters_of_one_title_that_appear_at_once_get_a_slug_each(
    start_server: StartServer,
) -> None:
    server = start_server({"jobs.workers": 8})
    user = Client(server.url, "somebody")
    assert user.book_id, "made before the threads, so that they share it"
    file_id = user.upload(photo_pdf()).json()["file_id"]
    with ThreadPoolExecutor(4) as threads:
        job_ids = [
            response.json()["job_id"]
            for response in threads.map(lambda _: user.enqueue(file_id), range(12))
        ]
    slugs = {user.chapter(user.end_of(job_id))["slug"] for job_id in job_ids}
    assert slugs == {"a-chapter", *(f"a-chapter-{number}" for number in range(2, 13))}
