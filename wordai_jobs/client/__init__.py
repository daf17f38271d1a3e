"""A client of the service: upload a PDF, turn it into a chapter, watch the progress, read it.

    from pathlib import Path
    from wordai_jobs.client import Client

    with Client("https://wordai.example", token) as client:
        job = client.submit(Path("book.pdf"), book_id, "Chapter 1")
        job = client.wait(job.job_id, on_progress=lambda job: print(job.progress, job.message))

It needs requests, and none of the server's dependencies.
"""

from wordai_jobs.client.client import Client, ReadyReport, dev_token
from wordai_jobs.client.errors import (
    AccessDenied,
    Busy,
    ClientError,
    Conflict,
    FileChanged,
    NotAuthenticated,
    NotFound,
    Refused,
    ServerFault,
    Unreachable,
    WaitTimeout,
)
from wordai_jobs.client.models import (
    Book,
    Chapter,
    File,
    FileOutline,
    Hit,
    Job,
    Link,
    OutlineEntry,
    Page,
    PageContent,
    PagesDone,
    Part,
    Reading,
)
from wordai_jobs.model.job import JobStatus

__all__ = [
    "AccessDenied",
    "Book",
    "Busy",
    "Chapter",
    "Client",
    "ClientError",
    "Conflict",
    "File",
    "FileChanged",
    "FileOutline",
    "Hit",
    "Job",
    "JobStatus",
    "Link",
    "NotAuthenticated",
    "NotFound",
    "OutlineEntry",
    "Page",
    "PageContent",
    "PagesDone",
    "Part",
    "Reading",
    "ReadyReport",
    "Refused",
    "ServerFault",
    "Unreachable",
    "WaitTimeout",
    "dev_token",
]
