"""The settings: one table of names, types, ranges, defaults and meanings, read from TOML and the
environment.

The sections below are that table. `config.example.toml` and the README are held against it by a
test.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from wordai_jobs.errors import StartError

CONFIG_FILE_VARIABLE = "WORDAI_JOBS_CONFIG"
PREFIX = "WORDAI_JOBS_"
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-]+(:\d{1,5})?|https?://\[[0-9A-Fa-f:]+\](:\d{1,5})?")
_LOOPBACK = ("localhost", "::1")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ServerSettings(_Section):
    """Where and how HTTP is answered."""

    host: str = Field(
        "127.0.0.1", min_length=1, description="address to listen on; mode dev allows loopback only"
    )
    port: int = Field(8000, ge=0, le=65535, description="TCP port; 0 takes a free one and logs it")
    threads: int = Field(8, ge=2, le=256, description="threads that answer requests")
    secret_key: str = Field(
        "", description="signs image URLs and dev tokens; empty: made once, kept in the data folder"
    )

    @property
    def is_loopback(self) -> bool:
        return self.host in _LOOPBACK or self.host.startswith("127.")


class CorsSettings(_Section):
    """Which web pages on other origins may read answers."""

    origins: tuple[str, ...] = Field(
        (), strict=False, description="exact origins, as in https://app.example; never *"
    )

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is not an origin such as https://app.example or http://localhost:3000"
                )
        return origins


class AuthSettings(_Section):
    """How callers prove who they are."""

    mode: Literal["dev", "firebase"] = Field(
        "dev", description="dev: anyone is who they say, loopback only; firebase"
    )
    firebase_project_id: str = Field(
        "", description="the Firebase project whose users may call; needed in mode firebase"
    )
    credentials_file: str = Field(
        "", description="service account JSON; not needed to verify tokens"
    )
    firebase_web_config: dict[str, str] = Field(
        {},
        description="apiKey, authDomain … of the Firebase web app, with which the page at / signs users in; not secret",
    )


class MongodbSettings(_Section):
    """Where jobs, books, chapters and uploads are recorded."""

    uri: str = Field(
        "embedded", description="embedded: a local server run with the app; or a mongodb:// URI"
    )
    database: str = Field(
        "wordai", pattern=r"^[A-Za-z0-9_\-]{1,38}$", description="name of the database"
    )

    @field_validator("uri")
    @classmethod
    def _is_known(cls, uri: str) -> str:
        if uri != "embedded" and not uri.startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("must be 'embedded' or start with mongodb:// or mongodb+srv://")
        return uri


class StorageSettings(_Section):
    """Where PDFs and page images are kept."""

    data_dir: str = Field(
        "data", min_length=1, description="folder for PDFs, pages and the embedded database"
    )


class JobsSettings(_Section):
    """How jobs are run."""

    workers: int = Field(
        4, ge=1, le=64, description="jobs that run at once; they share the rendering processes"
    )
    max_queued: int = Field(
        100, ge=1, le=10_000, description="jobs that may wait; one more is answered 503"
    )
    timeout_s: int = Field(
        1800,
        ge=1,
        le=86_400,
        description="seconds from enqueue until a job that has not ended fails",
    )
    shutdown_grace_s: int = Field(
        30, ge=0, le=3600, description="seconds that unfinished jobs get when the server stops"
    )
    retention_days: int = Field(
        7, ge=1, le=365, description="days that jobs, and uploads no chapter uses, are kept"
    )

    @model_validator(mode="after")
    def _jobs_end_before_they_expire(self) -> "JobsSettings":
        if self.timeout_s > self.retention_days * 86_400 - 3600:
            raise ValueError("timeout_s must be at least an hour shorter than retention_days")
        return self


class RenderingSettings(_Section):
    """How pages become images, and what a page may cost."""

    processes: int = Field(
        0, ge=0, le=64, description="rendering processes; 0 is one for each core"
    )
    dpi: int = Field(150, ge=36, le=600, description="resolution of page images, dots per inch")
    format: Literal["auto", "png", "jpeg"] = Field(
        "auto", description="auto: PNG for pages of at most 256 colours, else JPEG"
    )
    jpeg_quality: int = Field(85, ge=30, le=100, description="quality of JPEG pages, 100 is best")
    page_timeout_s: int = Field(30, ge=1, le=3600, description="seconds one page may take")
    memory_limit_mb: int = Field(
        512, ge=256, le=65_536, description="memory one rendering process may use, MB"
    )
    max_pages: int = Field(5000, ge=1, le=50_000, description="pages a PDF may have")
    max_pixels: int = Field(
        25_000_000,
        ge=10_000,
        le=100_000_000,
        description="pixels of a page image; larger pages are rendered smaller",
    )

    @property
    def process_count(self) -> int:
        return self.processes or len(os.sched_getaffinity(0))


class LimitsSettings(_Section):
    """What one caller may ask for."""

    max_upload_mb: int = Field(100, ge=1, le=4096, description="size of a PDF, MB")
    max_stored_mb_per_user: int = Field(
        10_000,
        ge=1,
        le=100_000_000,
        description="size of all PDFs and pages that one user may have stored, MB",
    )
    max_active_jobs_per_user: int = Field(
        20, ge=1, le=10_000, description="jobs one user may have running and waiting"
    )


class LoggingSettings(_Section):
    """What is logged, and how. Always to standard error, one event a line."""

    format: Literal["text", "json"] = Field(
        "text", description="text for people, json for log collectors"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="what is not worth less is logged"
    )
    polls: bool = Field(True, description="whether each status poll has its line, JOB STATUS")


class MetricsSettings(_Section):
    """Where Prometheus reads /metrics."""

    port: int = Field(
        0,
        ge=0,
        le=65535,
        description="loopback port of /metrics alone; 0 serves it with everything else",
    )


class Config(_Section):
    """All settings, validated, unchangeable."""

    server: ServerSettings = ServerSettings()
    cors: CorsSettings = CorsSettings()
    auth: AuthSettings = AuthSettings()
    mongodb: MongodbSettings = MongodbSettings()
    storage: StorageSettings = StorageSettings()
    jobs: JobsSettings = JobsSettings()
    rendering: RenderingSettings = RenderingSettings()
    limits: LimitsSettings = LimitsSettings()
    logging: LoggingSettings = LoggingSettings()
    metrics: MetricsSettings = MetricsSettings()

    @model_validator(mode="after")
    def _is_safe(self) -> "Config":
        if self.auth.mode == "dev" and not self.server.is_loopback:
            raise ValueError(
                f"auth.mode dev lets anyone in, so server.host must be loopback, not {self.server.host}"
            )
        if self.auth.mode == "firebase" and not self.auth.firebase_project_id:
            raise ValueError("auth.firebase_project_id is needed in mode firebase")
        return self


def load_config(environ: Mapping[str, str] = os.environ) -> Config:
    """Read `config.toml`, or the file that WORDAI_JOBS_CONFIG names, then the environment's
    overrides.

    Raises StartError, one line that names the key, for an unknown key, a bad value or a file that
    cannot be read.
    """
    values = _read_file(environ.get(CONFIG_FILE_VARIABLE))
    for section, key, value in _overrides(environ):
        table = values.setdefault(section, {})
        if not isinstance(table, dict):
            raise StartError(f"Configuration: {section} must be a table")
        table[key] = value
    return parse_config(values)


def parse_config(values: Mapping[str, Any]) -> Config:
    """Check a mapping of sections; raises StartError with the first key that is wrong."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise StartError(f"Configuration: {_first_problem(error)}") from error


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message


def _read_file(named: str | None) -> dict[str, Any]:
    path = Path(named or "config.toml")
    if not named and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StartError(f"Configuration: cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartError(f"Configuration: {path} is not valid TOML: {error}") from error


def _overrides(environ: Mapping[str, str]) -> list[tuple[str, str, Any]]:
    found = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name == CONFIG_FILE_VARIABLE:
            continue
        section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
        if not separator:
            raise StartError(
                f"Configuration: unknown variable {name}; settings are {PREFIX}<SECTION>__<KEY>"
            )
        found.append((section, key, _json_or_string(environ[name])))
    return found


def _json_or_string(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
