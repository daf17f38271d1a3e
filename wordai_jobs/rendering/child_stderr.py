"""What a child writes to its standard error: its own warnings, and whatever native libraries
print.
"""

import logging
import os
from typing import IO

_LONGEST_LINE = 500
_MOST_LINES = 20
_BLOCK_BYTES = 65_536

logger = logging.getLogger(__name__)


class ChildStderr:
    """Logs a child's standard error line by line, with a limit for each request: a PDF must not be
    able to flood the log.
    """

    def __init__(self, name: str, pipe: IO[bytes]) -> None:
        self._name = name
        self._pipe = pipe
        self._unfinished = b""
        self._lines = 0
        os.set_blocking(pipe.fileno(), False)

    def fileno(self) -> int:
        return self._pipe.fileno()

    def close(self) -> None:
        self._pipe.close()

    def begin_request(self) -> None:
        self._lines = 0

    def log(self) -> bool:
        """Log what has come by now; returns False once the child has closed its end."""
        try:
            block = os.read(self.fileno(), _BLOCK_BYTES)
        except BlockingIOError:
            return True
        *lines, rest = (self._unfinished + block).split(b"\n")
        self._unfinished = rest[:_LONGEST_LINE]
        for line in lines if block else [rest]:
            self._log_line(line)
        return bool(block)

    def _log_line(self, line: bytes) -> None:
        if not line or self._lines > _MOST_LINES:
            return
        self._lines += 1
        text = line[:_LONGEST_LINE].decode("utf-8", "replace")
        if self._lines > _MOST_LINES:
            text = "says too much to be logged"
        logger.warning("%s: %s", self._name, text)
