"""The child process that renders: `python -m wordai_jobs.rendering.child`, driven through its standard input and output.

A request is a line of JSON. `{"op": "inspect", "pdf": path}` is answered with one line, `{"page_count": n}`.
`{"op": "render", "pdf": path, "pages": [n, …], "folder": path, "options": {…}}` is answered with one line a page,
`{"page": n, "width": w, "height": h}`. In place of either comes `{"failure": name}`, which ends the request. The first
line, `{"ready": true}`, says that the libraries are loaded. The end of the input ends the child.
"""

import ctypes
import io
import json
import logging
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymupdf
from PIL import Image

from wordai_jobs.rendering.document import DocumentCache, open_pdf, translated_errors
from wordai_jobs.rendering.options import Failure, RenderFailed, RenderOptions
from wordai_jobs.rendering.page import render_page

_PR_SET_PDEATHSIG = 1
# Requests are answered sooner under load, and rendering loses nothing while there are none.
_NICE = 10

logger = logging.getLogger(__name__)


def main() -> None:
    parent_pid, memory_limit_mb = int(sys.argv[1]), int(sys.argv[2])
    _die_with_parent(parent_pid)
    os.nice(_NICE)
    answers = _private_output()
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    _warm_up()
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
    """The answers' own descriptor; what a native library prints to descriptor 1 goes to standard error instead."""
    descriptor = os.dup(1)
    os.dup2(2, 1)
    return io.TextIOWrapper(io.FileIO(descriptor, "w"), encoding="ascii", write_through=True)


def _die_with_parent(parent_pid: int) -> None:
    """Ask the kernel to kill this process when the thread that started it ends, however that happens.

    A child that is stuck inside MuPDF would not notice that its input has ended.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:  # it died before the request was made
        sys.exit(1)


def _limit_memory(limit_mb: int) -> None:
    """RLIMIT_DATA counts what is allocated; RLIMIT_AS would count mapped libraries too and starve ordinary pages."""
    limit = limit_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _warm_up() -> None:
    """Load what the first page would load: it takes 270 to 550 ms cold, 13 to 40 ms warm."""
    Image.preinit()
    with pymupdf.open() as document:
        page = document.new_page(width=72, height=72)
        page.insert_text((10, 40), "warm")
        page.get_pixmap(alpha=False)
        page.get_text("words")


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    main()
