"""Bad uploads get the contract's errors, lose nothing, and leave no file behind."""

import pytest
import requests

from tests.support.client import ENQUEUE, Client
from tests.support.leftovers import check_end
from tests.support.pdfs import encrypted_pdf, no_pages_pdf, pdf_of_size, photo_pdf, text_pdf
from tests.support.refusals import check_refused, user_at_origin
from tests.support.server import ServerProcess


@pytest.fixture
def user(strict: ServerProcess) -> Client:
    return user_at_origin(strict.url)


TEXT_FILE = b"Hello, I am a text file with a wrong name.\n" * 40
TOO_LARGE = "The upload is larger than the limit of 1 MB"
BAD_PDFS = {
    "empty": (b"", 400, "The file is empty"),
    "a text file": (TEXT_FILE, 400, "The file is not a PDF"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(500), 400, "The file is not a PDF"),
    "only a header": (b"%PDF-1.7\n", 400, "PDF is damaged and cannot be opened"),
    "a header and garbage": (
        b"%PDF-1.7\n" + bytes(range(256)) * 50,
        400,
        "PDF is damaged and cannot be opened",
    ),
    "no pages": (no_pages_pdf(), 400, "PDF has no pages"),
    "a password": (encrypted_pdf(), 400, "PDF is password protected"),
    "too many pages": (text_pdf(21), 422, "PDF has 21 pages, more than the limit of 20"),
    "too large": (text_pdf(1) + bytes(1024 * 1024), 413, TOO_LARGE),
    "far too large": (bytes(9 * 1024 * 1024), 413, TOO_LARGE),
}


@pytest.mark.parametrize("pdf, status, message", BAD_PDFS.values(), ids=BAD_PDFS)
@pytest.mark.usefixtures("unchanged")
def test_a_file_that_cannot_become_a_chapter_is_refused_with_the_reason(
    user: Client, pdf: bytes, status: int, message: str
) -> None:
    check_refused(user.upload(pdf, "chapter.pdf"), status, message)
    form = {"file": ("chapter.pdf", pdf, "application/pdf")}
    enqueued = user.post(ENQUEUE.format(book=user.book_id), files=form, data={"title": "T"})
    check_refused(enqueued, status, message)


@pytest.mark.parametrize("encoding", ["with a length", "chunked"])
@pytest.mark.parametrize(
    "path, fields",
    [
        pytest.param("/api/v1/files", {}, id="upload"),
        pytest.param("/api/v1/files", {"x": "x" * 1_000_000}, id="upload with a large field"),
        pytest.param(ENQUEUE, {"title": "A chapter"}, id="enqueue"),
    ],
)
def test_a_pdf_may_be_exactly_as_large_as_the_limit(
    user: Client, path: str, fields: dict[str, str], encoding: str
) -> None:
    def send(size: int) -> requests.Response:
        files = {"file": ("exactly.pdf", pdf_of_size(size), "application/pdf")}
        url = user.url + path.format(book=user.book_id)
        request = user.session.prepare_request(
            requests.Request("POST", url, data=fields, files=files)
        )
        if encoding == "chunked":
            body = request.body
            assert isinstance(body, bytes)
            request.body = (body[at : at + 1024] for at in range(0, len(body), 1024))
            del request.headers["Content-Length"]
            request.headers["Transfer-Encoding"] = "chunked"
        return user.session.send(request, timeout=60)

    accepted = send(1024 * 1024)
    assert accepted.status_code in (201, 202), accepted.text
    check_refused(send(1024 * 1024 + 1), 413, TOO_LARGE)


def test_a_pdf_cut_in_half_is_repaired_or_refused_and_never_half_a_chapter(user: Client) -> None:
    whole = text_pdf(12)
    response = user.upload(whole[: len(whole) // 2])
    if response.status_code == 201:
        job = user.end_of(user.enqueue(response.json()["file_id"]).json()["job_id"])
        check_end(user, job)
        assert job["status"] == "completed" or "is damaged and cannot be rendered" in job["error"]
    else:
        check_refused(response, 400, "PDF is damaged and cannot be opened")


@pytest.mark.parametrize(
    "given, shown",
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("/absolute/path.pdf", "path.pdf"),
        ("a" * 296 + ".pdf", "a" * 196 + ".pdf"),
        ("line\u0007break\u0085.pdf", "line break .pdf"),
        ("\u202efdp.exe.pdf", "fdp.exe.pdf"),
        ("..", "document.pdf"),
        ("sách của tôi.pdf", "sách của tôi.pdf"),
    ],
    ids=[
        "relative path",
        "absolute path",
        "too long",
        "control characters",
        "reversed text",
        "only dots",
        "Vietnamese",
    ],
)
def test_a_file_name_is_shown_without_harmful_characters(
    user: Client, given: str, shown: str
) -> None:
    file = user.upload(photo_pdf(), given).json()
    assert file["filename"] == shown
    message = user.end_of(user.enqueue(file["file_id"]).json()["job_id"])["message"]
    assert message.startswith("Chapter created")
