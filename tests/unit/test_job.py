"""The table of statuses, progress and messages, row by row."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from tests.support.records import upload_of
from wordai_jobs.jobs.service import JobService
from wordai_jobs.model.job import ChapterRequest, Job, JobStatus
from wordai_jobs.web.jobs import job_headers


def job(pages: int = 283) -> Job:
    return Job.enqueued(upload_of("alice", pages), "book", ChapterRequest("Title", "title"), None)


def shown(state: Job) -> tuple[str, int, str]:
    return state.status.value, state.progress, state.message


def test_every_moment_has_the_status_progress_and_message_of_the_contract() -> None:
    state = job()
    assert shown(state) == ("pending", 0, "PDF chapter creation job enqueued")
    state = state.fetching()
    assert shown(state) == ("processing", 0, "Downloading PDF: document.pdf")
    assert shown(state.fetched()) == ("processing", 10, "Downloading PDF: document.pdf")
    state = state.fetched().opened()
    assert shown(state) == ("processing", 30, "Extracting pages from PDF...")
    assert shown(state.rendered(1)) == ("processing", 30, "Processed 1/283 pages...")
    state = state.rendered(120)
    assert shown(state) == ("processing", 30 + 40 * 120 // 283, "Processed 120/283 pages...")
    state = state.rendered(283).creating()
    assert shown(state) == ("processing", 70, "Processed 283 pages. Creating chapter...")
    assert shown(state.written()) == ("processing", 99, "Processed 283 pages. Creating chapter...")
    done = state.written().completed()
    assert shown(done) == ("completed", 100, "Chapter created successfully with 283 pages")
    assert done.ended_at == done.updated_at


def test_one_page_is_not_one_pages() -> None:
    assert job(1).completed().message == "Chapter created successfully with 1 page"


def test_a_failure_keeps_the_progress_and_says_why_twice() -> None:
    failed = job().fetching().opened().rendered(120).failed("Out of memory")
    assert shown(failed) == ("failed", 46, "PDF processing failed: Out of memory")
    assert failed.error == "Out of memory" and failed.ended_at == failed.updated_at


def test_progress_never_falls() -> None:
    assert job().opened().rendered(200).rendered(100).progress == 30 + 40 * 200 // 283


def test_every_change_is_later_than_the_one_before_even_where_the_clock_was_set_back() -> None:
    state = job()
    ahead = replace(state, updated_at=state.updated_at + timedelta(hours=1))
    assert ahead.fetching().updated_at > ahead.updated_at
    assert ahead.fetching().fetched().updated_at > ahead.fetching().updated_at


def test_a_job_has_ids_of_its_own_and_knows_when_it_has_ended() -> None:
    first, second = job(), job()
    assert len({first.job_id, first.chapter_id, second.job_id, second.chapter_id}) == 4
    assert [status for status in JobStatus if status.has_ended] == [
        JobStatus.COMPLETED,
        JobStatus.FAILED,
    ]


@pytest.mark.parametrize(("position", "pause_s"), [(None, 2), (1, 2), (7, 3), (30, 15), (999, 30)])
def test_a_job_deep_in_the_queue_is_polled_less_often(position: int | None, pause_s: int) -> None:
    jobs = cast(JobService, SimpleNamespace(position=lambda job: position))
    assert job_headers(job(), jobs)["Retry-After"] == str(pause_s)
