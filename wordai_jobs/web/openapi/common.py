"""Errors that several operations share, with examples of their details."""

from wordai_jobs.web.openapi.operation import Errors

OF_JSON: Errors = {
    400: "The body is not valid JSON",
    413: "The upload is larger than the limit of 100 MB",
    422: "title: Field required",
}
OF_UPLOAD: Errors = {
    400: (
        "The file is not a PDF",
        "PDF is password protected",
        "PDF is damaged and cannot be opened",
        "The file is empty",
    ),
    413: "The upload is larger than the limit of 100 MB",
    422: (
        "file: a PDF is needed in this field of a multipart form",
        "PDF has 6000 pages, more than the limit of 5000",
    ),
    503: "Too many uploads at once, try again soon",
    507: "Storage is full",
}
OF_QUEUE: Errors = {
    429: "You have 20 jobs that have not ended, which is the limit",
    503: ("The queue is full: 100 jobs are waiting", "Server is shutting down"),
}
OF_FILE: Errors = {403: "Access denied to this file", 404: "File file_5d1f0c9e not found"}
OF_JOB: Errors = {
    403: "Access denied to this job",
    404: "Job 0b5f7c0a-3f0d-4c58-9a42-1c8d1d3f5a6e not found",
}
OF_BOOK: Errors = {
    403: "Access denied to this book",
    404: "Book 8d0f2a36-2f7b-4f0e-8b3c-0f6f3a9f4b11 not found",
}
OF_CHAPTER: Errors = {
    403: "Access denied to this book",
    404: "Chapter c2b1f7e4-7b7a-4a55-9d0e-5a4f6e1c7d22 not found",
}
OF_PAGE: Errors = {**OF_CHAPTER, 404: "Page 999 not found"}
