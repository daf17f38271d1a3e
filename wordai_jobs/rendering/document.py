"""Opens PDFs with MuPDF. Runs in a child only."""

import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pymupdf

from wordai_jobs.errors import FULL_DISK
from wordai_jobs.rendering.protocol import Failure

# A PDF may have up to this much in front of its header (PDF 1.7 Reference, implementation note 13
# in appendix H).
_HEADER_WITHIN_BYTES = 1024
# MuPDF says `malloc (16 bytes) failed`, `realloc (536870912 bytes) failed`, `calloc (7 x 8 bytes)
# failed`.
_NO_MEMORY = re.compile(r"\b(m|c|re)alloc\b.*failed|out of memory", re.IGNORECASE)


class RenderFailed(Exception):
    """The request cannot be done, for a reason that users read."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def open_pdf(descriptor: int) -> pymupdf.Document:
    """Open a PDF; raises RenderFailed if it has no pages, needs a password or cannot be opened.

    The descriptor may be closed afterwards.
    """
    with translated_errors(Failure.DAMAGED):
        size = os.lseek(descriptor, 0, os.SEEK_END)
        content = mmap.mmap(descriptor, size, prot=mmap.PROT_READ)
        if content.find(b"%PDF-", 0, _HEADER_WITHIN_BYTES) < 0:
            raise RenderFailed(Failure.NOT_A_PDF)
        document = _Document(stream=memoryview(content), filetype="pdf")
        if document.needs_pass:
            raise RenderFailed(Failure.ENCRYPTED)
        if document.page_count < 1:
            # MuPDF leaves a file that it could not repair without pages.
            raise RenderFailed(Failure.DAMAGED if document.is_repaired else Failure.EMPTY)
    return document


class _Document(pymupdf.Document):
    """Does not read the outline when it is opened: that takes longer than all the rest, and a
    hostile one may end the child.
    """

    def init_doc(self) -> None:
        self._outline = None
        self.metadata = {}


@contextmanager
def translated_errors(otherwise: Failure) -> Iterator[None]:
    """Turns what MuPDF, Python and the file system raise into RenderFailed, with `otherwise` for
    errors that have no failure of their own.

    MuPDF's exceptions have no base class in common across its versions, so their messages are
    looked at.
    """
    try:
        yield
    except RenderFailed:
        raise
    except Exception as error:
        if _is_out_of_memory(error):
            raise RenderFailed(Failure.OUT_OF_MEMORY) from error
        if isinstance(error, OSError) and error.errno in FULL_DISK:
            raise RenderFailed(Failure.STORAGE_FULL) from error
        raise RenderFailed(otherwise) from error


def _is_out_of_memory(error: Exception) -> bool:
    """MuPDF's bindings report a MemoryError of theirs as the cause of a SystemError."""
    return (
        isinstance(error, MemoryError)
        or isinstance(error.__cause__, MemoryError)
        or bool(_NO_MEMORY.search(str(error)))
    )
