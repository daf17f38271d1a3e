"""An example of every answer. Their types hold them to the truth, and a test holds them to the
document.
"""

from typing import Any

from wordai_jobs import __version__
from wordai_jobs.web import answers
from wordai_jobs.web.openapi.headers import PATH_PARAMETERS

_BOOK: str = PATH_PARAMETERS["book_id"]["example"]
_CHAPTER: str = PATH_PARAMETERS["chapter_id"]["example"]
_JOB: str = PATH_PARAMETERS["job_id"]["example"]
_FILE: str = PATH_PARAMETERS["file_id"]["example"]
_BEFORE, _NOW = "2026-02-08T00:10:21.004Z", "2026-02-08T00:10:28.325Z"
_IMAGE = f"/api/v1/books/{_BOOK}/chapters/{_CHAPTER}/pages/1/image?expires=1770681600&signature=1d5f0c9e8b7a4f3e9d2c1b0a"

_PENDING: answers.JobAnswer = {
    "job_id": _JOB,
    "user_id": "alice",
    "status": "pending",
    "progress": 0,
    "message": "PDF chapter creation job enqueued",
    "created_at": _BEFORE,
    "updated_at": _BEFORE,
}
_PROCESSING: answers.JobAnswer = {
    "job_id": _JOB,
    "user_id": "alice",
    "status": "processing",
    "progress": 46,
    "message": "Processed 120/283 pages...",
    "created_at": _BEFORE,
    "updated_at": _NOW,
}
_COMPLETED: answers.JobAnswer = {
    "job_id": _JOB,
    "user_id": "alice",
    "status": "completed",
    "progress": 100,
    "message": "Chapter created successfully with 283 pages",
    "result": {"chapter_id": _CHAPTER, "total_pages": 283},
    "created_at": _BEFORE,
    "updated_at": _NOW,
    "completed_at": _NOW,
}
_FAILED: answers.JobAnswer = {
    "job_id": _JOB,
    "user_id": "alice",
    "status": "failed",
    "progress": 46,
    "message": "PDF processing failed: Out of memory",
    "error": "Out of memory",
    "created_at": _BEFORE,
    "updated_at": _NOW,
    "failed_at": _NOW,
}
_PAGE: answers.PageAnswer = {
    "page_number": 1,
    "background_url": _IMAGE,
    "width": 1240,
    "height": 1754,
}
_BOOK_ANSWER: answers.BookAnswer = {
    "book_id": _BOOK,
    "title": "MuPDF Explored",
    "created_at": _BEFORE,
    "updated_at": _NOW,
}
_CHAPTER_ANSWER: answers.ChapterAnswer = {
    "chapter_id": _CHAPTER,
    "book_id": _BOOK,
    "title": "Chương một",
    "slug": "chuong-mot",
    "order_index": 0,
    "parent_id": None,
    "is_published": True,
    "is_preview_free": False,
    "total_pages": 283,
    "created_at": _NOW,
    "updated_at": _NOW,
}
_CHAPTER_WITH_PAGES: answers.ChapterWithPagesAnswer = {
    **_CHAPTER_ANSWER,
    "pages": [{**_PAGE, "elements": []}],
}
_PAGE_CONTENT: answers.PageContentAnswer = {
    **_PAGE,
    "text": "MuPDF Explored",
    "words": [[150.2, 140.0, 288.5, 171.3, "MuPDF"], [297.9, 140.0, 452.0, 171.3, "Explored"]],
}
_FILE_ANSWER: answers.FileAnswer = {
    "file_id": _FILE,
    "filename": "document.pdf",
    "size": 4_194_304,
    "page_count": 283,
    "created_at": _BEFORE,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
_HEALTH: answers.HealthAnswer = {
    "status": "ok",
    "version": __version__,
    "jobs": {"waiting": 3, "running": 4},
}
_READY: answers.ReadyAnswer = {
    "status": "ready",
    "database": "ok",
    "storage": "ok",
    "renderers": "ok",
}
_TOKEN: answers.DevTokenAnswer = {
    "token": "ImFsaWNlIg.aYfXlA.x0Zq3Yk",
    "user_id": "alice",
    "expires_in_s": 604_800,
}
_LIST: answers.JobListAnswer = {"jobs": [_PROCESSING, _FAILED], "next_cursor": None}
_PAGES: answers.JobPagesAnswer = {"total_pages": 283, "pages": [_PAGE]}
_BOOKS: answers.BookListAnswer = {"books": [_BOOK_ANSWER]}
_CHAPTERS: answers.ChapterListAnswer = {"chapters": [_CHAPTER_ANSWER]}
_PAGE_SETTINGS: answers.PageSettingsAnswer = {
    "version": __version__,
    "max_upload_mb": 100,
    "auth": {"mode": "dev"},
}
_DOCUMENT: answers.DocumentAnswer = {
    "openapi": "3.1.0",
    "info": {"title": "wordai_jobs"},
    "paths": {},
    "components": {},
}

EXAMPLES: dict[type, dict[str, Any]] = {
    answers.JobAnswer: {
        "pending": _PENDING,
        "processing": _PROCESSING,
        "completed": _COMPLETED,
        "failed": _FAILED,
    },
    answers.JobListAnswer: {"jobs": _LIST},
    answers.JobPagesAnswer: {"pages": _PAGES},
    answers.FileAnswer: {"file": _FILE_ANSWER},
    answers.BookAnswer: {"book": _BOOK_ANSWER},
    answers.BookListAnswer: {"books": _BOOKS},
    answers.ChapterAnswer: {"chapter": _CHAPTER_ANSWER},
    answers.ChapterListAnswer: {"chapters": _CHAPTERS},
    answers.ChapterWithPagesAnswer: {"chapter": _CHAPTER_WITH_PAGES},
    answers.PageContentAnswer: {"page": _PAGE_CONTENT},
    answers.HealthAnswer: {"health": _HEALTH},
    answers.ReadyAnswer: {"ready": _READY},
    answers.DevTokenAnswer: {"token": _TOKEN},
    answers.PageSettingsAnswer: {"page": _PAGE_SETTINGS},
    answers.DocumentAnswer: {"document": _DOCUMENT},
}
