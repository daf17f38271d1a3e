"""The calls of the API."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import requests

from wordai_jobs.client.backoff import Backoff
from wordai_jobs.client.errors import Busy, ServerFault, Unreachable, WaitTimeout
from wordai_jobs.client.models import (
    Book,
    Chapter,
    File,
    FileOutline,
    Hit,
    Job,
    PageContent,
    Part,
    Reading,
)
from wordai_jobs.client.multipart import MultipartFile, UploadProgress
from wordai_jobs.client.transport import OnTrouble, Token, Transport, json_of, retry_after_s
from wordai_jobs.model.job import JobStatus, OnBadPage

_API = "/api/v1"
_LONGEST_LIST = 100
_POLL_INTERVAL_S = 2.0
# A server needs up to 2.5 s to notice that its database cannot be reached.
_READY_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class ReadyReport:
    """Whether all parts of a server work, what is wrong if not, and its version."""

    is_ready: bool
    detail: str
    version: str


class Client:
    """One user's view of one server. Every call raises ClientError.

    `token` is a token, or a function that returns a valid one: Firebase's expire after an hour.
    `patience_s` is how many seconds a call keeps trying if the server is busy or, if that can do no
    harm, cannot be reached; a server that has never responded is not waited for. `on_trouble` is
    called with each such failure and the pause after it. Not for use by several threads at once.
    """

    def __init__(
        self,
        server_url: str,
        token: Token | None = None,
        *,
        patience_s: float = 30,
        on_trouble: OnTrouble | None = None,
    ) -> None:
        """Connects on first use. Raises ValueError if `server_url` is not an http(s) URL."""
        self._transport = Transport(server_url, token, patience_s, on_trouble)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    # Books and uploads

    def create_book(self, title: str) -> Book:
        return Book.of(json_of(self._post("/books", {"title": title})))

    def books(self) -> list[Book]:
        """The user's books, newest first."""
        return [Book.of(book) for book in json_of(self._get("/books"))["books"]]

    def book(self, book_id: str) -> Book:
        return Book.of(json_of(self._get(f"/books/{_quoted(book_id)}")))

    def rename_book(self, book_id: str, title: str) -> Book:
        return Book.of(json_of(self._change(f"/books/{_quoted(book_id)}", {"title": title})))

    def delete_book(self, book_id: str) -> None:
        """Delete a book with all its chapters; its unfinished jobs are cancelled."""
        self._delete(f"/books/{_quoted(book_id)}")

    def upload(self, pdf: Path, on_progress: UploadProgress | None = None) -> File:
        """Send a PDF from disk, without reading it into memory; `on_progress(sent, size)` in bytes.

        It is sent again if the server is busy, but not if the connection breaks: the server may
        have stored it already. Raises Refused if the file is not a usable PDF, and OSError if it
        cannot be read.
        """
        with open(pdf, "rb") as file:

            def body() -> MultipartFile:
                file.seek(0)
                return MultipartFile(file, pdf.name, on_progress)

            send = self._transport.send
            return File.of(json_of(send("POST", f"{_API}/files", is_repeatable=False, data=body)))

    def file_outline(self, file_id: str) -> FileOutline:
        """The title, the outline and the page labels of an uploaded PDF."""
        return FileOutline.of(json_of(self._get(f"/files/{_quoted(file_id)}/outline")))

    def download(self, file_id: str, path: Path) -> None:
        """Save an uploaded PDF as a new file. Raises OSError if that cannot be written."""
        address = f"/files/{_quoted(file_id)}/content"
        with closing(self._get(address, stream=True)) as response, open(path, "xb") as file:
            try:
                for block in self._transport.blocks(response):
                    file.write(block)
            except BaseException:
                path.unlink()
                raise

    # Jobs

    def enqueue(
        self,
        file_id: str,
        book_id: str,
        title: str,
        *,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Job:
        """A job that makes a chapter from an uploaded PDF. `fields` are the optional fields of the
        request, such as `first_page`, `last_page`, `order_index` and `on_bad_page`.

        However often the request has to be sent, it creates one job: each call has an
        Idempotency-Key, its own if none is given.
        """
        body = {"file_id": file_id, "title": title, **fields}
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        path = f"/books/{_quoted(book_id)}/chapters/from-pdf"
        return _job(self._post(path, body, is_repeatable=True, headers=headers))

    def from_outline(
        self,
        file_id: str,
        book_id: str,
        parts: Iterable[Part],
        *,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> list[Job]:
        """A job for each of the parts of an uploaded PDF, in their order: all of them, or none.

        `fields` are those that hold for all parts, such as `on_bad_page`. However often the request
        has to be sent, it creates these jobs once, as with `enqueue`.
        """
        body = {"file_id": file_id, "parts": [asdict(part) for part in parts], **fields}
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        path = f"/books/{_quoted(book_id)}/chapters/from-outline"
        response = self._post(path, body, is_repeatable=True, headers=headers)
        return [Job.of(job) for job in json_of(response)["jobs"]]

    def submit(
        self,
        pdf: Path,
        book_id: str,
        title: str,
        *,
        on_upload: UploadProgress | None = None,
        **fields: Any,
    ) -> Job:
        """`upload`, then `enqueue`."""
        return self.enqueue(self.upload(pdf, on_upload).file_id, book_id, title, **fields)

    def job(self, job_id: str) -> Job:
        return _job(self._get(_job_path(job_id)))

    def jobs(
        self, *, status: JobStatus | None = None, book_id: str | None = None, limit: int | None = 20
    ) -> Iterator[Job]:
        """The user's jobs, newest first, at most `limit` of them; None means all."""
        query = {"status": status and status.value, "book_id": book_id}
        yield from map(Job.of, self._listed("/books/jobs", "jobs", query, limit))

    def cancel(self, job_id: str) -> Job:
        """Cancel a job that has not ended; raises Conflict if it has."""
        return _job(self._post(_job_path(job_id, "/cancel")))

    def retry(self, job_id: str, on_bad_page: OnBadPage | None = None) -> Job:
        """A new job from a failed one's inputs; two retries with one choice create only one.

        `on_bad_page` says whether a page that cannot be rendered fails the new job or is left
        blank; None means as in the failed job. Raises Conflict if the job has not failed.
        """
        body = {"on_bad_page": on_bad_page} if on_bad_page else None
        return _job(self._post(_job_path(job_id, "/retry"), body, is_repeatable=True))

    def wait(
        self,
        job_id: str,
        on_progress: Callable[[Job], None] | None = None,
        timeout_s: float | None = None,
    ) -> Job:
        """The job once it has ended, completed or failed. `on_progress` is called with each of its
        states, including the last.

        Polls as often as the server asks, and continues while the server cannot be reached or is
        restarted. Raises WaitTimeout after `timeout_s`, and other errors at once if the job may not
        be read.
        """
        give_up_at = time.monotonic() + (math.inf if timeout_s is None else timeout_s)
        for job, pause_s in self._polls(job_id):
            if job and on_progress:
                on_progress(job)
            if job and job.has_ended:
                return job
            left_s = give_up_at - time.monotonic()
            if left_s <= 0:
                break
            time.sleep(min(pause_s, left_s))
        raise WaitTimeout(f"Job {job_id} has not ended within {timeout_s:g} s")

    # Chapters

    def chapters(self, book_id: str) -> list[Chapter]:
        """A book's chapters in their order, without pages."""
        body = json_of(self._get(f"/books/{_quoted(book_id)}/chapters"))
        return [Chapter.of(chapter) for chapter in body["chapters"]]

    def chapter(self, book_id: str, chapter_id: str) -> Chapter:
        """A chapter with its pages."""
        return Chapter.of(json_of(self._get(_chapter_path(book_id, chapter_id))))

    def change_chapter(self, book_id: str, chapter_id: str, **changes: Any) -> Chapter:
        """Change any of `title`, `slug`, `order_index`, `parent_id`, `is_published` and
        `is_preview_free`; returns the chapter without its pages.

        Raises Conflict if another chapter of the book has the slug.
        """
        return Chapter.of(json_of(self._change(_chapter_path(book_id, chapter_id), changes)))

    def arrange_chapters(self, book_id: str, chapter_ids: Sequence[str]) -> None:
        """Put chapters into this order; the other chapters of the book follow in theirs.

        If it is interrupted, it can be repeated.
        """
        chapters = {chapter.chapter_id: chapter for chapter in self.chapters(book_id)}
        in_order = dict.fromkeys([*chapter_ids, *chapters])
        for place, chapter_id in enumerate(in_order):
            if chapter_id not in chapters or chapters[chapter_id].order_index != place:
                self.change_chapter(book_id, chapter_id, order_index=place)

    def delete_chapter(self, book_id: str, chapter_id: str) -> None:
        """Delete a chapter; the chapters right below it take its place."""
        self._delete(_chapter_path(book_id, chapter_id))

    def put_position(self, book_id: str, chapter_id: str, page_number: int) -> None:
        """Record the page at which the user stops reading."""
        path = _API + _chapter_path(book_id, chapter_id, "/position")
        body = {"page_number": page_number}
        self._transport.send("PUT", path, is_repeatable=True, json=body)

    def reading(self) -> list[Reading]:
        """The 20 chapters that the user has read last, newest first."""
        return [Reading.of(each) for each in json_of(self._get("/reading"))["positions"]]

    def page(self, book_id: str, chapter_id: str, number: int) -> PageContent:
        """A page's text and words; pages count from 1."""
        return PageContent.of(
            json_of(self._get(_chapter_path(book_id, chapter_id, f"/pages/{number}")))
        )

    def page_image(
        self, book_id: str, chapter_id: str, number: int, dpi: int | None = None
    ) -> bytes:
        """A page's image, PNG or JPEG, in 75, 150 or 300 dpi; None means as it is stored.

        Raises Invalid if the page cannot be rendered in this resolution.
        """
        path = _chapter_path(book_id, chapter_id, f"/pages/{number}/image")
        return self._get(path, params={"dpi": dpi}, allow_redirects=True).content

    def page_thumbnail(self, book_id: str, chapter_id: str, number: int) -> bytes:
        """A small image of a page, 160 to 200 pixels wide, JPEG. The page's image if a server
        without thumbnails has rendered it.
        """
        path = _chapter_path(book_id, chapter_id, f"/pages/{number}/thumbnail")
        return self._get(path, allow_redirects=True).content

    def text(self, book_id: str, chapter_id: str) -> list[str]:
        """The text of each page of a chapter."""
        path = _chapter_path(book_id, chapter_id, "/text")
        body = json_of(self._get(path, headers={"Accept": "application/json"}))
        return [page["text"] for page in body["pages"]]

    def search(
        self,
        q: str,
        *,
        book_id: str | None = None,
        chapter_id: str | None = None,
        limit: int | None = 20,
    ) -> Iterator[Hit]:
        """Pages that have all words of `q`, whose last one may be incomplete: of one chapter, one
        book or all of the user's books, at most `limit` of them; None means all.
        """
        query = {"q": q, "book_id": book_id, "chapter_id": chapter_id}
        yield from map(Hit.of, self._listed("/search", "hits", query, limit))

    # The server

    def ready(self) -> ReadyReport:
        """Whether the server works. Needs no token.

        Raises Unreachable, or another ClientError if this is a different server.
        """
        health = json_of(self._transport.once("GET", "/health", _READY_TIMEOUT_S))
        version = str(health.get("version", "unknown"))
        try:
            self._transport.once("GET", "/health/ready", _READY_TIMEOUT_S)
        except Busy as error:
            return ReadyReport(False, error.detail, version)
        return ReadyReport(True, "ready", version)

    def _polls(self, job_id: str) -> Iterator[tuple[Job | None, float]]:
        """Poll again and again; yields the job and the seconds until the next poll.

        The job is None if it has not changed or could not be read.
        """
        backoff, headers = Backoff(), dict[str, str]()
        while True:
            try:
                response = self._transport.once("GET", _API + _job_path(job_id), headers=headers)
            except (Busy, ServerFault, Unreachable) as error:
                pause_s = backoff.pause_s(error.retry_after_s)
                self._transport.on_trouble(error, pause_s)
                yield None, pause_s
                continue
            backoff.reset()
            if "ETag" in response.headers:
                headers = {"If-None-Match": response.headers["ETag"]}
            job = _job(response) if response.status_code == 200 else None
            yield job, retry_after_s(response) or _POLL_INTERVAL_S

    def _listed(
        self, path: str, key: str, query: dict[str, Any], limit: int | None
    ) -> Iterator[Any]:
        """The entries under `key` of a list, from as many responses as it takes."""
        cursor = None
        while limit is None or limit > 0:
            count = _LONGEST_LIST if limit is None else min(limit, _LONGEST_LIST)
            body = json_of(self._get(path, params={**query, "limit": count, "cursor": cursor}))
            yield from body[key]
            cursor = body["next_cursor"]
            if cursor is None:
                return
            limit = None if limit is None else limit - len(body[key])

    def _get(self, path: str, **options: Any) -> requests.Response:
        return self._transport.send("GET", _API + path, is_repeatable=True, **options)

    def _change(self, path: str, changes: Any) -> requests.Response:
        return self._transport.send("PATCH", _API + path, is_repeatable=True, json=changes)

    def _delete(self, path: str) -> None:
        """Not repeatable: the second request would find nothing to delete."""
        self._transport.send("DELETE", _API + path, is_repeatable=False)

    def _post(
        self, path: str, body: Any = None, *, is_repeatable: bool = False, **options: Any
    ) -> requests.Response:
        send = self._transport.send
        return send("POST", _API + path, is_repeatable=is_repeatable, json=body, **options)


def dev_token(server_url: str, user_id: str) -> str:
    """A token from a server in mode dev, which gives one to anyone; other servers: NotFound."""
    with closing(Transport(server_url, None, 0, None)) as transport:
        response = transport.once("POST", "/dev/token", json={"user_id": user_id})
        token: str = json_of(response)["token"]
        return token


def _job(response: requests.Response) -> Job:
    position = response.headers.get("X-Queue-Position", "")
    return Job.of(json_of(response), int(position) if position.isdecimal() else None)


def _job_path(job_id: str, rest: str = "") -> str:
    return f"/books/jobs/{_quoted(job_id)}{rest}"


def _chapter_path(book_id: str, chapter_id: str, rest: str = "") -> str:
    return f"/books/{_quoted(book_id)}/chapters/{_quoted(chapter_id)}{rest}"


def _quoted(identifier: str) -> str:
    """An id as one segment of a path, whatever characters it has."""
    return quote(identifier, safe="")
