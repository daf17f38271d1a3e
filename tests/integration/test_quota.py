"""One user cannot fill the disk for all."""

from tests.conftest import StartServer
from tests.support.client import Client
from tests.support.leftovers import files
from tests.support.pdfs import hanging_pdf, photo_pdf, text_pdf

LIMIT = {
    "detail": "You have reached the limit of 1 MB of stored files: delete chapters that you no "
    "longer need"
}


def padded(pdf: bytes, size: int) -> bytes:
    """The PDF, made larger by a comment behind its end."""
    return pdf + b"\n%" + b" " * (size - len(pdf) - 2)


def test_a_user_who_has_stored_the_limit_is_answered_507_and_others_are_not(
    start_server: StartServer,
) -> None:
    server = start_server({"limits.max_stored_mb_per_user": 1})
    user, other = Client(server.url, "somebody"), Client(server.url, "somebody else")
    half = padded(photo_pdf(), 600_000)
    first = user.upload(half)
    assert first.status_code == 201
    before = files(server.data)
    second = user.upload(half)
    assert (second.status_code, second.json()) == (507, LIMIT)
    with_pdf = user.post(
        f"/api/v1/books/{user.book_id}/chapters/from-pdf",
        data={"title": "T"},
        files={"file": ("a.pdf", half)},
    )
    assert (with_pdf.status_code, with_pdf.json()) == (507, LIMIT)
    assert files(server.data) == before
    assert other.upload(half).status_code == 201
    assert user.end_of(user.enqueue(first.json()["file_id"]).json()["job_id"])["status"] == (
        "completed"
    )


def test_page_files_count_and_removing_a_chapter_makes_room(start_server: StartServer) -> None:
    large_images = {"rendering.format": "jpeg", "rendering.dpi": 150}
    server = start_server({"limits.max_stored_mb_per_user": 1, **large_images})
    user = Client(server.url, "somebody")
    file_id = user.upload(text_pdf(12)).json()["file_id"]
    cancelled = user.submit(hanging_pdf())
    assert user.post(f"/api/v1/books/jobs/{cancelled}/cancel").status_code == 200
    key = {"Idempotency-Key": "once"}
    job = user.end_of(user.enqueue(file_id, key).json()["job_id"])
    server.stop()
    server.start()
    user = Client(server.url, "somebody")
    refused = user.enqueue(file_id)
    assert (refused.status_code, refused.json()) == (507, LIMIT)
    book_id = user.get("/api/v1/books").json()["books"][-1]["book_id"]
    assert user.post(f"/api/v1/books/jobs/{cancelled}/retry").status_code == 507
    enqueue, body = (
        f"/api/v1/books/{book_id}/chapters/from-pdf",
        {"file_id": file_id, "title": "A chapter"},
    )
    repeated = user.post(enqueue, json=body, headers=key)
    assert repeated.headers["Idempotency-Replayed"] == "true", "it stores nothing more"
    chapter = f"/api/v1/books/{book_id}/chapters/{job['result']['chapter_id']}"
    assert user.request("DELETE", chapter).status_code == 204
    assert user.enqueue(file_id).status_code == 202
