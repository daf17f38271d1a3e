"""Opening PDFs with MuPDF. Runs in a child only."""

import re
from collections import OrderedDict
from types import TracebackType

import pymupdf

from wordai_jobs.errors import FULL_DISK
from wordai_jobs.rendering.options import Failure, RenderFailed

# A PDF may have up to this much in front of its header (PDF 1.7 Reference, implementation note 13
# in appendix H).
_HEADER_WITHIN_BYTES = 1024
_OPEN_DOCUMENTS = 4
# MuPDF says `malloc (16 bytes) failed`, `realloc (536870912 bytes) failed`, `calloc (7 x 8 bytes)
# failed`.
_NO_MEMORY = re.compile(r"\b(m|c|re)alloc\b.*failed|out of memory", re.IGNORECASE)


def open_pdf(path: str) -> pymupdf.Document:
    """Open a PDF that has pages and needs no password; raises RenderFailed with the reason
    otherwise.
    """
    with open(path, "rb") as file:
        if b"%PDF-" not in file.read(_HEADER_WITHIN_BYTES):
            raise RenderFailed(Failure.NOT_A_PDF)
    with translated_errors(Failure.DAMAGED):
        document = pymupdf.open(path, filetype="pdf")
        if document.needs_pass:
            raise RenderFailed(Failure.ENCRYPTED)
        if document.page_count < 1:
            # A file too broken to repair is left without pages, which says more than that it has
            # none.
            raise RenderFailed(Failure.DAMAGED if document.is_repaired else Failure.EMPTY)
    return document


class DocumentCache:
    """The last few documents, kept open: opening a book again for each chunk of its pages costs 8
    to 14 ms.
    """

    def __init__(self) -> None:
        self._documents: OrderedDict[str, pymupdf.Document] = OrderedDict()

    def get(self, path: str) -> pymupdf.Document:
        if path not in self._documents:
            while len(self._documents) >= _OPEN_DOCUMENTS:
                self._documents.popitem(last=False)[1].close()
            self._documents[path] = open_pdf(path)
        self._documents.move_to_end(path)
        return self._documents[path]


class translated_errors:
    """Turns what MuPDF, Python and the file system raise into RenderFailed; `otherwise` is what any
    other error means.

    MuPDF's exceptions have no common base class across its versions and do not pickle, so the words
    are looked at here, in the child.
    """

    def __init__(self, otherwise: Failure) -> None:
        self._otherwise = otherwise

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, RenderFailed) or not isinstance(error, Exception):
            return
        raise RenderFailed(_failure_of(error, self._otherwise)) from error


def _failure_of(error: Exception, otherwise: Failure) -> Failure:
    if _is_out_of_memory(error):
        return Failure.OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        return Failure.STORAGE_FULL
    return otherwise


def _is_out_of_memory(error: Exception) -> bool:
    """Also where it happened inside one of MuPDF's bindings: those report a MemoryError as the
    cause of a SystemError.
    """
    return (
        isinstance(error, MemoryError)
        or isinstance(error.__cause__, MemoryError)
        or bool(_NO_MEMORY.search(str(error)))
    )
