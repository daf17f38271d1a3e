"""Writes docs/configuration.md from the settings table in wordai_jobs/config.py: `make docs`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from wordai_jobs.config import PREFIX, Config

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
_HEAD = """\
# Configuration

<!-- Made by `make docs` from wordai_jobs/config.py; changes belong there. -->

The server reads `config.toml` in its working folder, or the file that `WORDAI_JOBS_CONFIG` names. Without any file the
defaults below hold. `config.example.toml` is a file with all of them.

Each key can also be set in the environment, which wins over the file. What is JSON is read as JSON, everything else as
text: `WORDAI_JOBS_SERVER__PORT=9000`, `WORDAI_JOBS_CORS__ORIGINS='["https://app.example"]'`. Secrets, such as a
`mongodb.uri` with a password, belong there and not in the file.

An unknown key or a bad value stops the start with one line that names it. Settings are read at the start only.
`wordai-jobs doctor` says whether a server can run with them here.
"""
_TYPES = {
    str: "text",
    int: "whole number",
    bool: "true or false",
    tuple: "list of texts",
    dict: "table of texts",
}


def page() -> str:
    """The whole page, as Markdown."""
    return "\n".join(
        [
            _HEAD,
            *(
                line
                for name, field in Config.model_fields.items()
                for line in _section(name, field)
            ),
        ]
    )


def _section(name: str, field: FieldInfo) -> Iterator[str]:
    model: Any = field.annotation
    yield f"## [{name}]"
    yield ""
    yield model.__doc__
    yield ""
    yield "| key | type | default | range | meaning | environment variable |"
    yield "|---|---|---|---|---|---|"
    for key, setting in model.model_fields.items():
        cells = (
            f"`{key}`",
            _type(setting),
            f"`{_default(setting)}`",
            _range(setting),
            setting.description,
            f"`{PREFIX}{name}__{key}`".upper(),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _type(setting: FieldInfo) -> str:
    annotation: Any = setting.annotation
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(f"`{choice}`" for choice in get_args(annotation))
    return _TYPES[get_origin(annotation) or annotation]


def _default(setting: FieldInfo) -> str:
    default = setting.default
    return json.dumps(list(default) if isinstance(default, tuple) else default)


def _range(setting: FieldInfo) -> str:
    limits = {type(limit): limit for limit in setting.metadata}
    lowest, highest = limits.get(annotated_types.Ge), limits.get(annotated_types.Le)
    if lowest and highest:
        return f"{lowest.ge:,} to {highest.le:,}"
    if annotated_types.MinLen in limits:
        return "not empty"
    pattern = next(
        (limit.pattern for limit in setting.metadata if getattr(limit, "pattern", None)), None
    )
    return f"`{pattern}`" if pattern else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
