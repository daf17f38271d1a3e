"""The child process that opens and renders PDFs. The fork server forks it."""

import logging
import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

from wordai_jobs.rendering.document import (
    RenderFailed,
    kept_open,
    open_pdf,
    page_size,
    translated_errors,
)
from wordai_jobs.rendering.page import render_page, render_placeholder
from wordai_jobs.rendering.protocol import (
    LONGEST_MESSAGE,
    Failed,
    Failure,
    InspectPdf,
    PageCount,
    PageRendered,
    Ready,
    RenderPages,
    RenderPlaceholder,
    decode,
    encode,
)

# HTTP requests are answered sooner under load, and rendering loses nothing while there are none.
_NICE = 10

logger = logging.getLogger(__name__)


def main(connection: socket.socket, memory_limit_mb: int) -> None:
    """Answer the server's requests until it closes the connection."""
    os.nice(_NICE)
    # RLIMIT_AS would count mapped libraries too, and starve ordinary pages.
    limit = memory_limit_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection.send(encode(Ready()))
    while request := connection.recv(LONGEST_MESSAGE):
        try:
            for answer in _answers(decode(request, InspectPdf, RenderPages, RenderPlaceholder)):
                connection.send(encode(answer))
        except RenderFailed as failed:
            logger.warning("%s: %s", failed.failure.name.lower(), failed.__cause__)
            connection.send(encode(Failed(failed.failure)))


def _answers(
    request: InspectPdf | RenderPages | RenderPlaceholder,
) -> Iterator[PageCount | PageRendered]:
    match request:
        case InspectPdf(pdf):
            with open_pdf(pdf) as document:
                page_count = document.page_count
            yield PageCount(page_count)
        case RenderPages(pdf, folder, pages, options):
            for page in pages:
                with translated_errors(Failure.BAD_PAGE):
                    width, height = render_page(kept_open(pdf), page, options, Path(folder))
                yield PageRendered(width, height)
        case RenderPlaceholder(pdf, folder, page, problem, options):
            with translated_errors(Failure.BAD_PAGE):
                width, height = render_placeholder(
                    page_size(pdf, page), page, problem, options, Path(folder)
                )
            yield PageRendered(width, height)
