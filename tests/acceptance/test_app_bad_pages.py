"""What the app says about pages that cannot be rendered and about room. In a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import OpenVisitor
from tests.support.client import Client
from tests.support.pdfs import stuck_pdf, text_pdf
from tests.support.server import ServerProcess


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that gives a page a second, and a user a megabyte."""
    settings = {"rendering.page_timeout_s": 1, "limits.max_stored_mb_per_user": 1}
    server = ServerProcess(tmp_path_factory.mktemp("strict"), settings).start().wait_until_ready()
    yield server
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("language", "retry", "shown", "reason", "page"),
    [
        (
            "en-GB",
            "Try again, leaving bad pages blank",
            "Page that could not be shown: 3",
            "Page 3 took longer than 1 s",
            "Page 3",
        ),
        (
            "vi-VN",
            "Thử lại, để trống các trang lỗi",
            "Trang không hiển thị được: 3",
            "Trang 3 mất hơn 1 giây",
            "Trang 3",
        ),
    ],
    ids=["English", "Vietnamese"],
)
def test_a_book_with_a_bad_page_is_retried_and_read_and_the_page_is_named(
    strict: ServerProcess,
    visit: OpenVisitor,
    language: str,
    retry: str,
    shown: str,
    reason: str,
    page: str,
) -> None:
    client = Client(strict.url, f"Reader in {language}")
    failed = client.end_of(client.submit(stuck_pdf(2, 4)))
    assert failed["error"] == "Page 3 took longer than 1 s"
    visitor = visit(strict, language=language)
    kept = {"name": client.user_id, "token": client.token}
    visitor.page.evaluate(
        "kept => localStorage.setItem('wordai.session', JSON.stringify(kept))", kept
    )
    visitor.page.reload()
    job = visitor.page.locator(f".job[data-job-id='{failed['job_id']}']")
    expect(job).to_contain_text(reason)
    job.get_by_role("button", name=retry).click()
    again = visitor.page.locator(".job[data-state='completed']")
    expect(again).to_have_count(1, timeout=60_000)
    expect(visitor.page.get_by_role("button", name=retry)).to_have_count(0)
    visitor.read(again)
    bad_pages = visitor.page.locator("#bad-pages")
    expect(bad_pages.locator("summary")).to_have_text(shown)
    bad_pages.locator("summary").click()
    expect(bad_pages.locator("li")).to_have_text(f"{page} · {reason}")
    bad_pages.get_by_role("link", name=page).click()
    expect(visitor.page.locator("#reader-page")).to_have_value("3")
    visitor.wait("page in the address", lambda: visitor.page.url.endswith("/3"))
    expect(visitor.page.locator(".page[data-page='3'] img")).to_be_visible()


def test_a_bad_page_is_left_blank_from_the_reader_too(
    strict: ServerProcess, visit: OpenVisitor
) -> None:
    visitor = visit(strict).sign_in("Reader of a failure")
    job = visitor.submit(stuck_pdf(2, 4), title="Stuck")
    visitor.wait_for_state(job, "failed")
    visitor.page.goto(f"{strict.url}/#/jobs/{job.get_attribute('data-job-id')}")
    status = visitor.page.locator("#reader-status")
    status.get_by_role("button", name="Try again, leaving bad pages blank").click()
    visitor.text_of(1)
    expect(visitor.page.locator("#bad-pages summary")).to_have_text(
        "Page that could not be shown: 3", timeout=60_000
    )


def test_only_a_failure_of_a_page_offers_to_leave_it_blank(
    strict: ServerProcess, visit: OpenVisitor
) -> None:
    client = Client(strict.url, "Canceller")
    job_id = client.submit(stuck_pdf(2, 4))
    client.post(f"/api/v1/books/jobs/{job_id}/cancel")
    visitor = visit(strict).sign_in("Canceller")
    job = visitor.page.locator(".job")
    expect(job.get_by_role("button", name="Try again")).to_have_count(1)


def test_a_user_without_room_is_told_what_to_do(strict: ServerProcess, visit: OpenVisitor) -> None:
    visitor = visit(strict).sign_in("Collector")
    expect(visitor.page.locator("#file-hint")).to_have_text("Up to 100 MB a file, 1 MB in all")
    visitor.choose(text_pdf(1) + bytes(1_500_000))
    expect(visitor.page.get_by_role("alert")).to_have_text(
        "You have used up your 1 MB. Delete chapters that you no longer need, then try again."
    )
