"""Which settings a command for operators uses."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def config_option(command: Command) -> Command:
    """Add --config, which overrides WORDAI_JOBS_CONFIG."""
    return click.option(
        "--config",
        "config_file",
        expose_value=False,
        callback=_use_file,
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, readable=True),
        help="File with the server's settings. Default: WORDAI_JOBS_CONFIG, or config.toml.",
    )(command)


def _use_file(context: click.Context, parameter: click.Parameter, path: str | None) -> None:
    from wordai_jobs.config import CONFIG_FILE_VARIABLE

    if path:
        os.environ[CONFIG_FILE_VARIABLE] = path
