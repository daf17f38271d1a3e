"""The child process that opens and renders the PDF of one job, or of one upload. The fork server
forks it. It works on descriptors that the server sends, and knows no path.
"""

import logging
import os
import resource
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress

import orjson
import pymupdf

from wordai_jobs import linux
from wordai_jobs.rendering import sandbox
from wordai_jobs.rendering.description import describe
from wordai_jobs.rendering.document import RenderFailed, open_pdf, translated_errors
from wordai_jobs.rendering.page import render_page, render_placeholder
from wordai_jobs.rendering.protocol import (
    FILES_OF_A_PAGE,
    LONGEST_MESSAGE,
    MOST_PAGES,
    DescribePdf,
    Failed,
    Failure,
    ForkChild,
    InspectPdf,
    PageCount,
    PageRendered,
    PdfDescribed,
    Ready,
    RenderPages,
    RenderPlaceholder,
    decode,
    encode,
)

# HTTP requests are answered sooner under load, and rendering loses nothing while there are none.
_NICE = 10
# The PDF, and the files of each page.
_MOST_DESCRIPTORS = 1 + FILES_OF_A_PAGE * MOST_PAGES
_MOST_OPEN_FILES = _MOST_DESCRIPTORS + 10

# MuPDF keeps up to 256 MB of decoded pictures for later pages that show them again. A book of text
# has 14 MB allocated after a page, a scanned page 27 MB more.
_MOST_ALLOCATED = 96 * 1024 * 1024

logger = logging.getLogger(__name__)


def main(connection: socket.socket, limits: ForkChild, is_sandboxed: bool) -> None:
    """Answer the server's requests until it closes the connection."""
    os.nice(_NICE)
    _set_limits(limits)
    listener = sandbox.confine_child() if is_sandboxed else None
    socket.send_fds(connection, [encode(Ready())], [] if listener is None else [listener])
    if listener is not None:
        os.close(listener)
    renderer = _Renderer()
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, LONGEST_MESSAGE, _MOST_DESCRIPTORS)
        if not message:
            return
        try:
            request = decode(message, InspectPdf, DescribePdf, RenderPages, RenderPlaceholder)
            for answer in renderer.answers(request, descriptors):
                connection.send(encode(answer))
        except RenderFailed as failed:
            reason = f": {failed.__cause__}" if failed.__cause__ else ""
            logger.warning("%s%s", failed.failure.name.lower(), reason)
            connection.send(encode(Failed(failed.failure)))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


def _set_limits(limits: ForkChild) -> None:
    for limit, value in {
        # RLIMIT_AS would count mapped libraries too, and starve ordinary pages.
        resource.RLIMIT_DATA: limits.memory_limit_mb * 1024 * 1024,
        resource.RLIMIT_FSIZE: limits.file_limit_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: _MOST_OPEN_FILES,
    }.items():
        resource.setrlimit(limit, (value, value))
    # Python ignores it. A child that writes too much was taken over, and ends.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


class _Renderer:
    """Works on one PDF. It stays open: opening a book again for each chunk of its pages takes 8 to
    14 ms.
    """

    def __init__(self) -> None:
        self._document: pymupdf.Document | None = None

    def answers(
        self,
        request: InspectPdf | DescribePdf | RenderPages | RenderPlaceholder,
        descriptors: list[int],
    ) -> Iterator[PageCount | PdfDescribed | PageRendered]:
        pdf, *files = descriptors
        match request:
            case InspectPdf():
                yield PageCount(self._opened(pdf).page_count)
            case DescribePdf():
                with translated_errors(Failure.DAMAGED):
                    _write(files, [orjson.dumps(describe(self._opened(pdf)))])
                yield PdfDescribed()
            case RenderPages(pages, options, first_page, last_page):
                chapter = range(first_page, last_page + 1)
                for index, page in enumerate(pages):
                    its_files = files[index * FILES_OF_A_PAGE :][:FILES_OF_A_PAGE]
                    with translated_errors(Failure.BAD_PAGE):
                        rendered = render_page(self._opened(pdf), page, options, chapter)
                        _write(its_files, rendered.contents)
                    yield PageRendered(rendered.width, rendered.height, rendered.image.ending)
                    _forget_pictures()
            case RenderPlaceholder(page, problem, may_read_size, options):
                with suppress(RenderFailed):
                    if may_read_size:
                        self._opened(pdf)
                with translated_errors(Failure.BAD_PAGE):
                    rendered = render_placeholder(self._document, page, problem, options)
                    _write(files, rendered.contents)
                yield PageRendered(rendered.width, rendered.height, rendered.image.ending)

    def _opened(self, pdf: int) -> pymupdf.Document:
        if self._document is None:
            self._document = open_pdf(pdf)
        return self._document


def _forget_pictures() -> None:
    """Before they take too much memory. Asked for what is allocated, not for what the process has:
    it keeps freed memory too.
    """
    if linux.allocated_bytes() > _MOST_ALLOCATED:
        pymupdf.TOOLS.store_shrink(100)


def _write(files: Sequence[int], contents: Sequence[bytes]) -> None:
    for descriptor, content in zip(files, contents, strict=True):
        left = memoryview(content)
        while left:  # a disk that is nearly full takes a part of it
            left = left[os.write(descriptor, left) :]
