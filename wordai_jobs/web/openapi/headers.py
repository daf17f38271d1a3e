"""Headers and parameters, each described once."""

from typing import Any

Description = dict[str, Any]


def _header(description: str, example: str | int, **schema: Any) -> Description:
    kind = "integer" if isinstance(example, int) else "string"
    return {"description": description, "schema": {"type": kind, **schema}, "example": example}


def _parameter(
    name: str, where: str, description: str, example: str | int, **schema: Any
) -> Description:
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        **_header(description, example, **schema),
    }


def _sometimes(header: Description) -> Description:
    return {**header, "required": False}


RESPONSE_HEADERS = {
    name: {"required": True, **header}
    for name, header in {
        "X-Request-ID": _header(
            "The request's own `X-Request-ID`, or one made for it; the server's log has it too",
            "5f0c2c1f6b0e4f7d9a3b",
        ),
        "Cache-Control": _header("Whether the answer may be kept", "no-cache"),
        "ETag": _header(
            "Names this state, for `If-None-Match`", '"33a64df551425fcc55e4d42a148795d9f25f89d4"'
        ),
        "Location": _header(
            "The address of what was made",
            "/api/v1/books/jobs/0b5f7c0a-3f0d-4c58-9a42-1c8d1d3f5a6e",
        ),
        "Retry-After": _sometimes(_header("Seconds until it is worth asking again", 2, minimum=1)),
        "X-Queue-Position": _sometimes(
            _header("The place of a waiting job in the line; 1 is next", 3, minimum=1)
        ),
        "Idempotency-Replayed": _sometimes(
            _header("The job is one that an equal request had made before", "true", const="true")
        ),
        "WWW-Authenticate": _header("What kind of credentials is needed", "Bearer", const="Bearer"),
        "Content-Security-Policy": _header("What the page may load", "default-src 'none'"),
    }.items()
}

PATH_PARAMETERS = {
    name: _parameter(name, "path", description, example, minLength=1)
    for name, description, example in (
        ("book_id", "A book", "8d0f2a36-2f7b-4f0e-8b3c-0f6f3a9f4b11"),
        ("chapter_id", "A chapter", "c2b1f7e4-7b7a-4a55-9d0e-5a4f6e1c7d22"),
        ("job_id", "A job", "0b5f7c0a-3f0d-4c58-9a42-1c8d1d3f5a6e"),
        ("file_id", "An uploaded PDF", "file_5d1f0c9e8b7a4f3e9d2c1b0a99887766"),
        ("n", "The number of a page, from 1", "17"),
        ("name", "The name of a file", "docs.css"),
    )
}

REQUEST_PARAMETERS = {
    "X-Request-ID": _parameter(
        "X-Request-ID",
        "header",
        "Names the request in the answer and in the log: 1 to 64 letters, digits and `._-`",
        "import-42",
    ),
    "If-None-Match": _parameter(
        "If-None-Match",
        "header",
        "The `ETag` of an answer that the client has: 304 where it still holds",
        '"33a64df551425fcc55e4d42a148795d9f25f89d4"',
    ),
    "Range": _parameter("Range", "header", "A part of the bytes", "bytes=0-1023"),
    "Idempotency-Key": _parameter(
        "Idempotency-Key",
        "header",
        "The same key with the same fields returns the job that it made first",
        "chapter-7-of-my-book",
        pattern=r"^[\x20-\x7e]{1,255}$",
    ),
    "expires": _parameter(
        "expires",
        "query",
        "Part of a signed address: until when it is good, in seconds since 1970",
        "1770681600",
    ),
    "signature": _parameter(
        "signature", "query", "Part of a signed address", "1d5f0c9e8b7a4f3e9d2c1b0a99887766"
    ),
}
