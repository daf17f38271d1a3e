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
        # At the end, what is unfinished is a line too.
        lines, _, rest = (self._unfinished + (block or b"\n")).rpartition(b"\n")
        self._unfinished = rest[:_LONGEST_LINE]
        # In a flood, the lines are not even separated: that would keep the server's other threads
        # waiting.
        if lines and self._lines <= _MOST_LINES:
            for line in lines.split(b"\n"):
                self._log_line(line)
        return bool(block)

    def _log_line(self, line: bytes) -> None:
        self._lines += 1
        if self._lines == _MOST_LINES + 1:
            logger.warning("%s: says too much to be logged", self._name)
        elif line and self._lines <= _MOST_LINES:
            text = line[:_LONGEST_LINE].decode("utf-8", "replace")
            logger.warning("%s: %s", self._name, text)
