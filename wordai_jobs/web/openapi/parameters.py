"""Parameters of requests and headers of responses, each described once."""

from typing import Any

# Ids in examples, everywhere in the document.
BOOK_ID = "8d0f2a36-2f7b-4f0e-8b3c-0f6f3a9f4b11"
CHAPTER_ID = "c2b1f7e4-7b7a-4a55-9d0e-5a4f6e1c7d22"
JOB_ID = "0b5f7c0a-3f0d-4c58-9a42-1c8d1d3f5a6e"
FILE_ID = "file_5d1f0c9e8b7a4f3e9d2c1b0a99887766"

_ETAG = '"33a64df551425fcc55e4d42a148795d9f25f89d4"'

Description = dict[str, Any]


def _described(description: str, example: str | int, **schema: Any) -> Description:
    kind = "integer" if isinstance(example, int) else "string"
    return {"description": description, "schema": {"type": kind, **schema}, "example": example}


def _always(description: str, example: str | int, **schema: Any) -> Description:
    return {"required": True, **_described(description, example, **schema)}


def _sometimes(description: str, example: str | int, **schema: Any) -> Description:
    return {"required": False, **_described(description, example, **schema)}


RESPONSE_HEADERS = {
    "X-Request-ID": _always(
        "The `X-Request-ID` of the request, or a new one; the server's log has it too",
        "5f0c2c1f6b0e4f7d9a3b",
    ),
    "Cache-Control": _always("Whether the response may be kept", "no-cache"),
    "ETag": _always("Identifies this version of the body, for `If-None-Match`", _ETAG),
    "Location": _always(
        "The URL of what was created, or of the image in the object store",
        f"/api/v1/books/jobs/{JOB_ID}",
    ),
    "Content-Disposition": _always(
        "The name under which browsers save the file", "attachment; filename=document.pdf"
    ),
    "Retry-After": _sometimes("Seconds to wait before the next request", 2, minimum=1),
    "X-Queue-Position": _sometimes("Position of a waiting job; 1 is next", 3, minimum=1),
    "Idempotency-Replayed": _sometimes(
        "An earlier request with this key created the job", "true", const="true"
    ),
    "WWW-Authenticate": _always("The kind of credentials needed", "Bearer", const="Bearer"),
    "Content-Security-Policy": _always("What the page may load", "default-src 'none'"),
}


def _parameter(
    name: str, place: str, description: str, example: str | int, **schema: Any
) -> Description:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        **_described(description, example, **schema),
    }


PATH_PARAMETERS = {
    name: _parameter(name, "path", description, example, minLength=1)
    for name, description, example in (
        ("book_id", "A book", BOOK_ID),
        ("chapter_id", "A chapter", CHAPTER_ID),
        ("job_id", "A job", JOB_ID),
        ("file_id", "An uploaded PDF", FILE_ID),
        ("n", "The number of a page, from 1", "17"),
        ("name", "The name of a file", "docs.css"),
    )
}

REQUEST_PARAMETERS = {
    parameter["name"]: parameter
    for parameter in (
        _parameter(
            "X-Request-ID",
            "header",
            "Identifies the request in the response and the log: 1 to 64 letters, digits and `._-`",
            "import-42",
        ),
        _parameter(
            "If-None-Match",
            "header",
            "The `ETag` of the client's copy. If that is still current, the response is a 304",
            _ETAG,
        ),
        _parameter(
            "Range", "header", "One range of bytes; anything else is ignored", "bytes=0-1023"
        ),
        _parameter(
            "Idempotency-Key",
            "header",
            "The same key with the same fields returns the first job and creates nothing",
            "chapter-7-of-my-book",
            pattern=r"^[\x20-\x7e]{1,255}$",
        ),
        _parameter(
            "dpi",
            "query",
            "Resolution of the image in dots per inch: 75, 150, 300, or that of the stored image. "
            "The default is the stored image. Can be added to a signed URL",
            300,
        ),
        _parameter(
            "expires",
            "query",
            "Part of a signed URL: when it expires, in seconds since 1970",
            "1770681600",
        ),
        _parameter(
            "signature",
            "query",
            "Part of a signed URL",
            "nvCI8gDpMgfHmBjU0gLVrhqSYHqpxKCTW0aJbNu2Wkw",
        ),
    )
}
