"""Show the progress of an upload and a job: a bar on a terminal, plain lines elsewhere."""

import os
import sys
from typing import Protocol, TextIO

import click

from wordai_jobs.cli.bar import Pace, State, duration, job_state, line, size
from wordai_jobs.cli.connection import Connection
from wordai_jobs.cli.exits import Exit
from wordai_jobs.client import Client, ClientError, Job
from wordai_jobs.model.job import JobStatus

_CLEAR_TO_END = "\x1b[K"
_FALLBACK_WIDTH = 80


class Watcher(Protocol):
    def upload(self, sent: int, total: int) -> None:
        """Show how many bytes of the PDF have been sent."""

    def job(self, job: Job) -> None:
        """Show the state of the job."""

    def trouble(self, error: ClientError, pause_s: float) -> None:
        """Show that a request failed, and is tried again after the pause."""

    def end(self) -> None:
        """Finish, so that whatever is printed next starts on a new line."""


def watcher(as_json: bool) -> Watcher:
    """With `as_json` progress goes to standard error, and standard output is left to the JSON."""
    stream = sys.stderr if as_json else sys.stdout
    is_terminal = stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
    return BarWatcher(stream) if is_terminal else LineWatcher(stream)


class BarWatcher:
    """Draws on a terminal's current line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._pace = Pace()
        self._shown: State | None = None

    def upload(self, sent: int, total: int) -> None:
        self._draw(
            State("Uploading", 100 * sent // max(total, 1), (f"{size(sent)} of {size(total)}",))
        )

    def job(self, job: Job) -> None:
        self._draw(job_state(job, self._pace))

    def trouble(self, error: ClientError, pause_s: float) -> None:
        percent = self._shown.percent if self._shown else 0
        self._draw(State("No response", percent, (f"trying again in {duration(max(pause_s, 1))}",)))

    def end(self) -> None:
        if self._shown:
            click.echo(file=self._stream)
            self._shown = None

    def _draw(self, state: State) -> None:
        if state == self._shown:
            return
        self._shown = state
        # A full last column would wrap the line on some terminals.
        text = line(state, _width(self._stream) - 1, self._stream.encoding)
        click.echo(f"\r{text}{_CLEAR_TO_END}", file=self._stream, nl=False, color=True)


class LineWatcher:
    """Prints a line for each new message."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = ""

    def upload(self, sent: int, total: int) -> None:
        if sent == total:
            self._say(f"Sent {size(total)}")

    def job(self, job: Job) -> None:
        self._say(f"{job.progress:3d} %  {job.message}")

    def trouble(self, error: ClientError, pause_s: float) -> None:
        self._say(f"{error.detail}; trying again")

    def end(self) -> None:
        """Nothing to do: every line is complete."""

    def _say(self, text: str) -> None:
        if text != self._last:
            self._last = text
            click.echo(text, file=self._stream)


def wait(connection: Connection, client: Client, job_id: str, show: Watcher) -> Job:
    """The job once it has ended. Ctrl-C ends only the command, and says how to watch again."""
    try:
        return client.wait(job_id, show.job)
    except KeyboardInterrupt:
        show.end()
        click.echo(
            f"Stopped waiting; job {job_id} goes on. Watch it again with:\n"
            f"  {connection.command(f'status {job_id} --watch')}",
            err=True,
        )
        raise click.exceptions.Exit(Exit.INTERRUPTED) from None
    finally:
        show.end()


def outcome(job: Job) -> Exit:
    """The exit code for a job. If it has failed, its error is printed to standard error too."""
    if job.status is not JobStatus.FAILED:
        return Exit.DONE
    click.echo(f"wordai-jobs: Job {job.job_id} failed: {job.error}", err=True)
    return Exit.FAILED


def _width(stream: TextIO) -> int:
    """The terminal's current number of columns; its window may have been resized."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or _FALLBACK_WIDTH
    except OSError:
        return _FALLBACK_WIDTH
