"""Writes docs/configuration.md and config.example.toml from the settings table: `make docs`."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from wordai_jobs.config import PREFIX, Config

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "configuration.md"
EXAMPLE = ROOT / "config.example.toml"
_WIDTH = 100
_PAGE_HEAD = """\
# Configuration

<!-- Written by `make docs` from wordai_jobs/config.py; make changes there. -->

The server reads `config.toml` in its working folder, or the file named by `WORDAI_JOBS_CONFIG`.
Without a file it uses the defaults below. `config.example.toml` lists every setting with its
default.

Each key can also be set in the environment, which overrides the file. A value that is valid JSON is
read as JSON, any other as text: `WORDAI_JOBS_SERVER__PORT=9000`,
`WORDAI_JOBS_CORS__ORIGINS='["https://app.example"]'`. Put secrets, such as a `mongodb.uri` with a
password, in the environment, or each in a file of its own that a variable with `__FILE` at its end
names: `WORDAI_JOBS_MONGODB__URI__FILE=/run/secrets/mongodb_uri`.

An unknown key or a bad value stops the start with one line that names it. Settings are read only at
the start. A megabyte (MB) has 1024 * 1024 bytes. `wordai-jobs doctor` checks whether a server can
run here with these settings.
"""
_EXAMPLE_HEAD = """\
# Every setting of wordai_jobs with its default. Copy this file to config.toml and keep only what
# you change. The environment overrides it: WORDAI_JOBS_SERVER__PORT=9000,
# WORDAI_JOBS_CORS__ORIGINS='["https://app.example"]'.
#
# Written by `make docs` from wordai_jobs/config.py; make changes there.
"""
_TYPES = {
    str: "text",
    int: "whole number",
    bool: "true or false",
    tuple: "list of texts",
    dict: "table of texts",
}


def page() -> str:
    """docs/configuration.md."""
    lines = [_PAGE_HEAD]
    for section, meaning, settings in _sections():
        lines += [f"## [{section}]", "", meaning, ""]
        lines += ["| key | type | default | range | meaning | environment variable |"]
        lines += ["|---|---|---|---|---|---|"]
        for key, setting in settings.items():
            cells = (
                f"`{key}`",
                _type(setting),
                f"`{_default(setting)}`",
                _range(setting),
                setting.description or "",
                f"`{PREFIX}{section}__{key}`".upper(),
            )
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def example() -> str:
    """config.example.toml."""
    lines = [_EXAMPLE_HEAD]
    for section, meaning, settings in _sections():
        lines += [*_comment(meaning), f"[{section}]"]
        for key, setting in settings.items():
            lines += [*_comment(setting.description), f"{key} = {_default(setting)}"]
        lines.append("")
    return "\n".join(lines)


def _sections() -> Iterator[tuple[str, str, dict[str, FieldInfo]]]:
    """Each section of the table: its name, its meaning and its settings."""
    for name, field in Config.model_fields.items():
        model: Any = field.annotation
        yield name, model.__doc__, model.model_fields


def _comment(text: str | None) -> list[str]:
    return textwrap.wrap(text or "", _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _type(setting: FieldInfo) -> str:
    annotation: Any = setting.annotation
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(f"`{choice}`" for choice in get_args(annotation))
    return _TYPES[get_origin(annotation) or annotation]


def _default(setting: FieldInfo) -> str:
    """As JSON, which is TOML as well for all that settings are, unless a table is not empty."""
    return json.dumps(setting.default)


def _range(setting: FieldInfo) -> str:
    limits = {type(limit): limit for limit in setting.metadata}
    lowest, highest = limits.get(annotated_types.Ge), limits.get(annotated_types.Le)
    if lowest and highest:
        return f"{lowest.ge:,} to {highest.le:,}"
    if annotated_types.MinLen in limits:
        return "not empty"
    patterns = [limit.pattern for limit in setting.metadata if getattr(limit, "pattern", None)]
    return f"`{patterns[0]}`" if patterns else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    EXAMPLE.write_text(example(), encoding="utf-8")
