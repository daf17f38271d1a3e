"""The program `wordai-jobs`, run in a pipe or in a terminal of its own."""

import io
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pexpect

from tests.support.server import environment
from tests.support.warm_start import WarmProcess

PROGRAM = Path(sys.executable).with_name("wordai-jobs")
_TIMEOUT_S = 90
_ROWS = 24


class Program:
    """Runs commands in `folder`, with no settings but the given ones (`{"jobs.workers": 2}`)."""

    def __init__(
        self,
        folder: Path,
        env: Mapping[str, str] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.env = {
            **environment(settings or {}),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TERM": "xterm",
            **(env or {}),
        }

    def run(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """The finished command; its exit code must be `expect`, and it may show no traceback."""
        with TemporaryDirectory() as output:
            paths = Path(output, "stdout"), Path(output, "stderr")
            process = WarmProcess(arguments, self.folder, self.env, *paths)
            try:
                code = process.wait(_TIMEOUT_S)
            finally:
                process.kill()
            done = subprocess.CompletedProcess(
                arguments, code, *(path.read_text() for path in paths)
            )
        assert done.returncode == expect, (arguments, done)
        assert "Traceback" not in done.stderr
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The installed program, as a user runs it in a pipe."""
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
        return Terminal(self, arguments, columns)


class Terminal:
    """A command in a terminal."""

    def __init__(self, program: Program, arguments: tuple[str, ...], columns: int) -> None:
        self._written = io.StringIO()
        self._process = pexpect.spawn(
            str(PROGRAM),
            [*arguments],
            cwd=program.folder,
            env=program.env,
            dimensions=(_ROWS, columns),
            timeout=_TIMEOUT_S,
            encoding="utf-8",
            codec_errors="replace",
            preexec_fn=_take_ctrl_c,
        )
        self._process.logfile_read = self._written

    @property
    def shown(self) -> str:
        """All that the command has written so far."""
        return self._written.getvalue()

    @property
    def lines(self) -> list[str]:
        """Each line as it was drawn, one after the other, without control sequences."""
        return [line for line in re.split(r"[\r\n]+", self.shown.replace("\x1b[K", "")) if line]

    def wait_for(self, text: str) -> None:
        self._process.expect_exact(text)

    def press_ctrl_c(self) -> None:
        self._process.sendintr()

    def exit_code(self) -> int | None:
        """Wait for the end, and read what is left; None if a signal ended the command."""
        self._process.expect(pexpect.EOF)
        self._process.wait()
        self._process.close()
        return self._process.exitstatus


def _take_ctrl_c() -> None:
    """In the new process: tests that run in the background ignore Ctrl-C, which is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
