"""A multipart form with one file, read from disk as it is sent.

requests would read the whole file into memory; requests-toolbelt, which does not, would be a
dependency for one class.
"""

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO
from uuid import uuid4

from wordai_jobs.client.errors import FileChanged

UploadProgress = Callable[[int, int], None]

_BLOCK = 64 * 1024
# As in browsers: HTML standard, section on multipart/form-data.
_ESCAPED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class MultipartFile:
    """The body, in the form that requests can stream: it has a length and can be read.

    `on_progress` is called with the bytes of the file sent so far, and the size of the file.
    """

    def __init__(
        self, file: BinaryIO, filename: str, on_progress: UploadProgress | None = None
    ) -> None:
        boundary = uuid4().hex
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._head = (
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="file"; '
            f'filename="{filename.translate(_ESCAPED)}"\r\n'
            "Content-Type: application/pdf\r\n\r\n"
        ).encode("utf-8", "replace")
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._on_progress = on_progress or (lambda sent, size: None)
        self._blocks = self._read_blocks()
        self._length = len(self._head) + self._size + len(self._tail)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        return self._blocks

    def read(self, size: int = -1) -> bytes:
        """The next block, whatever its size; empty at the end. Raises FileChanged."""
        return next(self._blocks, b"")

    def _read_blocks(self) -> Iterator[bytes]:
        yield self._head
        left = self._size
        while left:
            block = self._file.read(min(left, _BLOCK))
            if not block:
                raise FileChanged("The file became shorter while it was being sent")
            left -= len(block)
            yield block
            self._on_progress(self._size - left, self._size)
        yield self._tail
