"""Which server a command uses, and as which user."""

import functools
import shlex
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from wordai_jobs.client import Client, ClientError
from wordai_jobs.client.transport import OnTrouble

DEFAULT_URL = "http://127.0.0.1:8000"
# Not WORDAI_JOBS_…: those are settings of the server, which refuses unknown names.
URL_VARIABLE = "WORDAI_URL"
TOKEN_VARIABLE = "WORDAI_TOKEN"
_KEYS = ("server", "token")

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Connection:
    """A server and a user's token. `same_options` makes another command use the same ones."""

    server_url: str
    token: str | None
    same_options: str

    def client(self, on_trouble: OnTrouble | None = None) -> Client:
        """Raises UsageError if the address is not a URL."""
        try:
            return Client(self.server_url, self.token, on_trouble=on_trouble or _say_trouble)
        except ValueError as error:
            raise click.UsageError(str(error)) from error

    def command(self, text: str) -> str:
        """The command line of another command with the same connection."""
        return f"wordai-jobs {text}{self.same_options}"


def server_option(command: Command) -> Command:
    """Add --server, and give the command a Connection as its first argument."""

    @click.option(
        "--server",
        envvar=URL_VARIABLE,
        metavar="URL",
        help=f"Address of the server. Default: {DEFAULT_URL}.",
    )
    @functools.wraps(command)
    def run(server: str | None, token: str | None = None, **options: Any) -> Any:
        return command(_connection(server, token), **options)

    return run


def connection_options(command: Command) -> Command:
    """Add --server and --token, and give the command a Connection as its first argument."""
    return click.option(
        "--token",
        envvar=TOKEN_VARIABLE,
        metavar="TOKEN",
        help=f"Your token. Safer in {TOKEN_VARIABLE}: other users of this machine can read "
        "command lines.",
    )(server_option(command))


def config_file() -> Path:
    return Path(click.get_app_dir("wordai-jobs")) / "client.toml"


def _connection(server: str | None, token: str | None) -> Connection:
    file = _read(config_file())
    url = server or file.get("server") or DEFAULT_URL
    same_server = f" --server {shlex.quote(url)}" if _is_on_command_line("server") else ""
    same_token = " --token …" if _is_on_command_line("token") else ""
    token = (token or file.get("token") or "").strip()
    return Connection(url, token or None, same_server + same_token)


def _is_on_command_line(option: str) -> bool:
    return click.get_current_context().get_parameter_source(option) is ParameterSource.COMMANDLINE


def _read(path: Path) -> dict[str, str]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path} is not valid TOML: {error}") from error
    for key, value in values.items():
        if key not in _KEYS or not isinstance(value, str):
            names = " and ".join(_KEYS)
            raise click.UsageError(f"{path}: {key}: only {names} can be set, each to a string")
    if "token" in values and path.stat().st_mode & 0o077:
        problem = f"other users of this machine can read your token: chmod 600 {path}"
        click.echo(f"wordai-jobs: {problem}", err=True)
    return values


def _say_trouble(error: ClientError, pause_s: float) -> None:
    click.echo(f"wordai-jobs: {error.detail}; trying again", err=True)
