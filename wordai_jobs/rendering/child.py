"""The child process that renders, driven through its standard input and output. The fork server
makes it.

A request is a line of JSON. `{"op": "inspect", "pdf": path}` is answered with one line,
`{"page_count": n}`. `{"op": "render", "pdf": path, "pages": [n, …], "folder": path, "options":
{…}}` is answered with one line a page, `{"page": n, "width": w, "height": h}`. In place of either
comes `{"failure": name}`, which ends the request. The first line is `{"ready": true}`. The end of
the input ends the child.
"""

import io
import json
import logging
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wordai_jobs.rendering.document import DocumentCache, open_pdf, translated_errors
from wordai_jobs.rendering.options import Failure, RenderFailed, RenderOptions
from wordai_jobs.rendering.page import render_page

# Requests are answered sooner under load, and rendering loses nothing while there are none.
_NICE = 10

logger = logging.getLogger(__name__)


def main(memory_limit_mb: int) -> None:
    """Answer requests until there are no more."""
    os.nice(_NICE)
    answers = _private_output()
    _limit_memory(memory_limit_mb)
    cache = DocumentCache()
    _send(answers, {"ready": True})
    for line in sys.stdin:
        for answer in _answers(json.loads(line), cache):
            _send(answers, answer)


def _answers(request: dict[str, Any], cache: DocumentCache) -> Iterator[dict[str, Any]]:
    try:
        if request["op"] == "inspect":
            yield _inspect(request["pdf"])
        else:
            yield from _render(request, cache)
    except RenderFailed as failed:
        logger.warning("%s: %s", failed.failure, failed.__cause__)
        yield {"failure": failed.failure.value}


def _inspect(path: str) -> dict[str, Any]:
    document = open_pdf(path)
    try:
        return {"page_count": document.page_count}
    finally:
        document.close()


def _render(request: dict[str, Any], cache: DocumentCache) -> Iterator[dict[str, Any]]:
    options = RenderOptions(**request["options"])
    folder = Path(request["folder"])
    for number in request["pages"]:
        with translated_errors(Failure.BAD_PAGE):
            width, height = render_page(cache.get(request["pdf"]), number, options, folder)
        yield {"page": number, "width": width, "height": height}


def _send(answers: io.TextIOWrapper, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _private_output() -> io.TextIOWrapper:
    """The answers' own descriptor; what a native library prints to descriptor 1 goes to standard
    error instead.
    """
    descriptor = os.dup(1)
    os.dup2(2, 1)
    return io.TextIOWrapper(io.FileIO(descriptor, "w"), encoding="ascii", write_through=True)


def _limit_memory(limit_mb: int) -> None:
    """RLIMIT_DATA counts what is allocated; RLIMIT_AS would count mapped libraries too and starve
    ordinary pages.
    """
    limit = limit_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
