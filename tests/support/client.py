"""A user of the API, over real HTTP."""

import time
from collections.abc import Iterator
from typing import Any

import requests

from tests.support.waiting import wait_until

Json = dict[str, Any]

ENQUEUE = "/api/v1/books/{book}/chapters/from-pdf"

# Short enough to see every tenth of a short job; without it, the polls take the jobs' processor.
_POLL_PAUSE_S = 0.01


class Client:
    """Requests with the token of one user; `book_id` is a book of theirs, created on first use."""

    def __init__(self, url: str, user_id: str, token: str | None = None) -> None:
        self.url = url
        self.user_id = user_id
        self.session = requests.Session()
        self.session.trust_env = False  # looking for a proxy takes a tenth of a request's time
        if token is None:
            token = self.post("/dev/token", json={"user_id": user_id}).json()["token"]
        self.token = token
        self.session.headers["Authorization"] = f"Bearer {token}"
        self._book_id: str | None = None

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", 60)
        return self.session.request(method, f"{self.url}{path}", **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.request("POST", path, **options)

    @property
    def book_id(self) -> str:
        if self._book_id is None:
            book = self.post("/api/v1/books", json={"title": f"A book of {self.user_id}"}).json()
            self._book_id = str(book["book_id"])
        return self._book_id

    def upload(self, pdf: bytes, filename: str = "document.pdf") -> requests.Response:
        return self.post("/api/v1/files", files={"file": (filename, pdf, "application/pdf")})

    def enqueue(
        self, file_id: str, headers: dict[str, str] | None = None, **fields: Any
    ) -> requests.Response:
        body = {"file_id": file_id, "title": "A chapter", **fields}
        path = ENQUEUE.format(book=self.book_id)
        return self.post(path, json=body, headers=headers)

    def submit(self, pdf: bytes, **fields: Any) -> str:
        """Upload and enqueue; returns the job's id."""
        uploaded = self.upload(pdf)
        assert uploaded.status_code == 201, uploaded.text
        response = self.enqueue(uploaded.json()["file_id"], **fields)
        assert response.status_code == 202, response.text
        job_id: str = response.json()["job_id"]
        return job_id

    def job(self, job_id: str) -> Json:
        response = self.get(f"/api/v1/books/jobs/{job_id}")
        assert response.status_code == 200, response.text
        job: Json = response.json()
        return job

    def responses(self, job_id: str) -> Iterator[requests.Response]:
        """Every response to polling often, up to the one that shows the job's end."""
        while True:
            response = self.get(f"/api/v1/books/jobs/{job_id}")
            yield response
            if response.json().get("status") in ("completed", "failed"):
                return
            time.sleep(_POLL_PAUSE_S)

    def end_of(self, job_id: str, timeout_s: float = 60) -> Json:
        """The job once it has ended."""

        def ended() -> Json | None:
            job = self.job(job_id)
            return job if job["status"] in ("completed", "failed") else None

        return wait_until(ended, timeout_s, f"the end of job {job_id}")

    def chapter(self, job: Json) -> Json:
        """The chapter of a completed job, with its pages."""
        chapter_id = job["result"]["chapter_id"]
        chapter: Json = self.get(f"/api/v1/books/{self.book_id}/chapters/{chapter_id}").json()
        return chapter
