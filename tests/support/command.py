"""The installed program `wordai-jobs`, run in a pipe or in a terminal of its own."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

from tests.support.waiting import wait_until

PROGRAM = Path(sys.executable).with_name("wordai-jobs")
_TIMEOUT_S = 90
_ROWS = 24


class Program:
    """Runs commands in `folder`, with no setting but those given; `settings` are as in
    `{"jobs.workers": "2"}`.
    """

    def __init__(
        self,
        folder: Path,
        env: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith("WORDAI_")
        }
        configured = {
            f"WORDAI_JOBS_{key.replace('.', '__').upper()}": value
            for key, value in (settings or {}).items()
        }
        self.env = {
            **clean,
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TERM": "xterm",
            **configured,
            **(env or {}),
        }

    def run(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """The finished command; its exit code must be `expect`, and it must not show a
        traceback.
        """
        done = subprocess.run(
            [PROGRAM, *arguments],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == expect, (arguments, done)
        assert "Traceback" not in done.stderr
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [PROGRAM, *arguments],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def in_terminal(self, *arguments: str, columns: int = 80) -> "Terminal":
        return Terminal([str(PROGRAM), *arguments], self.folder, self.env, columns)


class Terminal:
    """A command in a pseudo terminal; `shown` is all that it has written."""

    def __init__(
        self, command: list[str], folder: Path, env: Mapping[str, str], columns: int
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_sit_down,
        )
        os.close(slave)
        self._written = b""
        self.shown = ""

    @property
    def lines(self) -> list[str]:
        """Each line as it was drawn, one after the other, without control sequences."""
        return [line for line in re.split(r"[\r\n]+", self.shown.replace("\x1b[K", "")) if line]

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self._read(), _TIMEOUT_S, f"{text!r} on the terminal")

    def press_ctrl_c(self) -> None:
        os.write(self._master, b"\x03")

    def exit_code(self) -> int:
        """Wait for the end, and read what is left."""

        def ended() -> bool:
            self._read()
            return self._process.poll() is not None

        wait_until(ended, _TIMEOUT_S, "the command's end")
        self._read()
        os.close(self._master)
        return self._process.returncode

    def _read(self) -> str:
        """All that has been shown by now. A character that is read in two halves is put together at
        the end.
        """
        while select.select([self._master], [], [], 0)[0]:
            try:
                self._written += os.read(self._master, 65536)
            except OSError:  # Linux's way to say that the other end is closed
                break
        self.shown = self._written.decode(errors="replace")
        return self.shown


def _sit_down() -> None:
    """In the new process: Ctrl-C reaches it as it does at a desk, also where the tests run in the
    background.
    """
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
