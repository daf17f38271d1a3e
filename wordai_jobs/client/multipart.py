"""A multipart form with one file in it, read from disk as it is sent.

requests reads the whole file into memory for this; requests-toolbelt, which does not, would be a
dependency for one class.
"""

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO
from uuid import uuid4

from wordai_jobs.client.errors import FileChanged

UploadProgress = Callable[[int, int], None]

_BLOCK = 64 * 1024
# As browsers do, by the HTML standard's section on multipart/form-data.
_ESCAPED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class MultipartFile:
    """The body, as requests wants one that it streams: with a length, and readable.

    `on_progress` is told the bytes of the file that were handed over so far, and all there are.
    """

    def __init__(
        self, file: BinaryIO, filename: str, on_progress: UploadProgress | None = None
    ) -> None:
        boundary = uuid4().hex
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename.translate(_ESCAPED)}"\r\n'
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
        """The next block, of whichever size; empty at the end. Raises FileChanged."""
        return next(self._blocks, b"")

    def _read_blocks(self) -> Iterator[bytes]:
        yield self._head
        left = self._size
        while left:
            block = self._file.read(min(left, _BLOCK))
            if not block:
                raise FileChanged("The file became shorter while it was sent")
            left -= len(block)
            yield block
            self._on_progress(self._size - left, self._size)
        yield self._tail
