"""Errors that several operations share, with examples of their details."""

from wordai_jobs.web.openapi.operation import Errors
from wordai_jobs.web.openapi.parameters import BOOK_ID, CHAPTER_ID, FILE_ID, JOB_ID

QUOTA_REACHED = (
    "You have reached the limit of 10000 MB of stored files: delete chapters that you no longer "
    "need"
)
JSON_ERRORS: Errors = {
    400: "The body is not valid JSON",
    413: "The body is larger than the limit of 1 MB",
    422: "title is required",
}
AWAY = "Storage cannot be reached right now"
UPLOAD_ERRORS: Errors = {
    400: (
        "The file is not a PDF",
        "PDF is password protected",
        "PDF is damaged and cannot be opened",
        "The file is empty",
    ),
    413: (
        "The upload is larger than the limit of 100 MB",
        "A form field is larger than the limit of 1 MB",
    ),
    422: (
        "file must be a PDF, in a multipart form",
        "PDF has 6000 pages, more than the limit of 5000",
    ),
    503: ("Too many uploads at once, try again soon", AWAY),
    507: ("Storage is full", QUOTA_REACHED),
}
QUEUE_ERRORS: Errors = {
    429: "You have 100 unfinished jobs, which is the limit",
    503: ("The queue is full: 100 jobs are waiting", "Server is shutting down"),
}
FILE_ERRORS: Errors = {403: "Access denied to this file", 404: f"File {FILE_ID} not found"}
JOB_ERRORS: Errors = {403: "Access denied to this job", 404: f"Job {JOB_ID} not found"}
BOOK_ERRORS: Errors = {403: "Access denied to this book", 404: f"Book {BOOK_ID} not found"}
CHAPTER_ERRORS: Errors = {
    403: "Access denied to this book",
    404: f"Chapter {CHAPTER_ID} not found",
}
SEARCH_ERRORS: Errors = {
    **CHAPTER_ERRORS,
    422: (
        "q is required",
        "limit must be at most 100",
        "cursor must be a next_cursor of this search",
    ),
    503: AWAY,
}
PAGE_ERRORS: Errors = {
    **CHAPTER_ERRORS,
    404: "Page 999 not found",
    503: AWAY,
}
IMAGE_ERRORS: Errors = {
    **PAGE_ERRORS,
    409: "The chapter is not complete yet",
    422: ("dpi must be 75, 150 or 300", "Page 17 took longer than 30 s"),
    503: ("Too many images are being rendered, try again soon", AWAY),
    507: "Storage is full",
}
