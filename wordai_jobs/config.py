"""The settings: their table, and reading them from TOML and the environment.

Each field of a section is a row of the table: name, type, default, range and meaning. The first
sentence of a description says what the setting is, with its unit; a second one says why, or what
follows. `make docs` writes docs/configuration.md and config.example.toml from the table.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from wordai_jobs.addresses import is_loopback
from wordai_jobs.errors import StartError
from wordai_jobs.validation_messages import first_problem, message_about

CONFIG_FILE_VARIABLE = "WORDAI_JOBS_CONFIG"
PREFIX = "WORDAI_JOBS_"
# The end of a variable's name, in lower case, if it names a file with the value.
_FROM_FILE = "__file"
_STORE = re.compile(r"(s3|gs|az)://[A-Za-z0-9.\-_]+(/[A-Za-z0-9.\-_]+)*/?")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-]+(:\d{1,5})?|https?://\[[0-9A-Fa-f:]+\](:\d{1,5})?")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ServerSettings(_Section):
    """The HTTP server."""

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on. Mode dev accepts loopback only; in production nginx "
        "forwards to it.",
    )
    port: int = Field(8000, ge=0, le=65535, description="TCP port. 0 takes a free one and logs it.")
    threads: int = Field(
        8,
        ge=2,
        le=256,
        description="Threads that answer requests. A poll takes a millisecond, so a few threads "
        "serve hundreds of clients; slow connections do not occupy one.",
    )
    secret_key: str = Field(
        "",
        description="Key that signs image URLs and dev tokens. If empty, one is created and kept "
        "in the data folder, so that URLs stay valid after a restart.",
    )

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)


class CorsSettings(_Section):
    """Web pages on other origins that may use the API."""

    origins: tuple[str, ...] = Field(
        (),
        strict=False,
        description="Exact origins whose pages may read responses, such as "
        '["https://app.example"]. "*" is refused, because requests carry tokens.',
    )

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is not an origin such as "
                    "https://app.example or http://localhost:3000"
                )
        return origins


class AuthSettings(_Section):
    """How callers prove who they are."""

    mode: Literal["dev", "firebase"] = Field(
        "dev",
        description='"firebase" verifies Firebase ID tokens; "dev" lets anyone on this machine in, '
        "for development.",
    )
    firebase_project_id: str = Field(
        "", description="Firebase project whose users may call. Required in mode firebase."
    )
    credentials_file: str = Field(
        "", description="Service account file (JSON). Not needed to verify tokens."
    )
    firebase_web_config: dict[str, str] = Field(
        {},
        description="Lets users sign in at /: the configuration of the web app in the Firebase "
        "console (project settings, your apps), such as "
        '{apiKey = "…", authDomain = "…", projectId = "…", appId = "…"}. Not secret; the API works '
        "without it.",
    )


class MongodbSettings(_Section):
    """Where jobs, books, chapters and uploads are recorded."""

    uri: str = Field(
        "embedded",
        description='"embedded" runs a local database server from the data folder; a "mongodb://…" '
        "URI uses your own.",
    )
    database: str = Field(
        "wordai",
        pattern=r"^[A-Za-z0-9_\-]{1,38}$",
        description="Name of the database. Each installation on a MongoDB server needs its own.",
    )

    @field_validator("uri")
    @classmethod
    def _is_known(cls, uri: str) -> str:
        if uri != "embedded" and not uri.startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("must be 'embedded' or start with mongodb:// or mongodb+srv://")
        return uri


class StorageSettings(_Section):
    """Where PDFs and page images are stored."""

    data_dir: str = Field(
        "data",
        min_length=1,
        description="Folder for PDFs, page images and the embedded database. Choose a disk with "
        "room: a page takes about 60 KB.",
    )
    url: str = Field(
        "",
        description='Bucket for PDFs and page images, such as "s3://bucket/prefix", "gs://…" or '
        '"az://…"; empty for files in data_dir. Needs the extra `cluster`, and the usual '
        "credentials of the store in the environment, such as AWS_ACCESS_KEY_ID, "
        "AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL.",
    )
    image_cache_mb: int = Field(
        500,
        ge=0,
        le=1_000_000,
        description="Size in MB of the page images of other resolutions (`?dpi=`) that are kept in "
        "data_dir. They are rendered when they are asked for; those that were not used for longest "
        "make room.",
    )

    @field_validator("url")
    @classmethod
    def _is_known_store(cls, url: str) -> str:
        if url and not _STORE.fullmatch(url):
            raise ValueError("must be empty, or such as s3://bucket/prefix, gs://… or az://…")
        return url


class JobsSettings(_Section):
    """How jobs run."""

    engine: Literal["threads", "celery"] = Field(
        "threads",
        description='"threads" runs jobs in the server that has accepted them; "celery" has them '
        "run by workers (`wordai-jobs worker`) on any number of machines. Needs the extra "
        "`cluster`, jobs.broker, storage.url and a MongoDB that all of them share.",
    )
    broker: str = Field(
        "",
        description="Broker of the engine celery: Redis or RabbitMQ, such as "
        '"redis://broker.example:6379/0" or "amqp://user:password@broker.example:5672//". What it '
        "loses is published again, so it needs neither a disk nor a backup.",
    )
    workers: int = Field(
        4,
        ge=1,
        le=64,
        description="Jobs that run at the same time; with the engine celery, those of one user. "
        "They share the rendering processes fairly, so a short job does not wait for a book to "
        "end.",
    )
    max_queued: int = Field(
        100,
        ge=1,
        le=10_000,
        description="Jobs that may wait in the queue. Further jobs get a 503, so that clients "
        "learn at once instead of waiting for hours; several API servers together may take in more "
        "within a few seconds.",
    )
    timeout_s: int = Field(
        1800,
        ge=1,
        le=86_400,
        description="Seconds from enqueue until an unfinished job fails. No job may hang forever.",
    )
    shutdown_grace_s: int = Field(
        30,
        ge=0,
        le=3600,
        description="Seconds that running jobs get to finish when the server stops. Keep it below "
        "the service manager's stop timeout.",
    )
    retention_days: int = Field(
        7,
        ge=1,
        le=365,
        description="Days that jobs are kept, and uploads that no chapter uses.",
    )

    @field_validator("broker")
    @classmethod
    def _is_known_broker(cls, broker: str) -> str:
        if broker and not broker.startswith(("redis://", "rediss://", "amqp://", "amqps://")):
            raise ValueError("must start with redis://, rediss://, amqp:// or amqps://")
        return broker

    @model_validator(mode="after")
    def _jobs_end_before_they_expire(self) -> "JobsSettings":
        if self.timeout_s > self.retention_days * 86_400 - 3600:
            raise ValueError("timeout_s must be at least an hour shorter than retention_days")
        return self


class RenderingSettings(_Section):
    """How pages become images, and what a page may cost."""

    processes: int = Field(
        0,
        ge=0,
        le=64,
        description="Processes that render pages. 0 means one for each core that the server may "
        "use.",
    )
    dpi: int = Field(
        150,
        ge=36,
        le=600,
        description="Resolution of page images in dots per inch. 150 is sharp on a screen.",
    )
    format: Literal["auto", "png", "jpeg"] = Field(
        "auto",
        description='"auto" stores pages of at most 256 colours as PNG, without loss, and all '
        'others as JPEG; "png" and "jpeg" store every page that way.',
    )
    jpeg_quality: int = Field(
        85,
        ge=30,
        le=100,
        description="Quality of JPEG images. At 85 the eye sees no difference from the original; "
        "higher values make larger files.",
    )
    page_timeout_s: int = Field(
        30,
        ge=1,
        le=3600,
        description="Seconds that one page may take before its process is ended. Then the job "
        'fails, or the page is left blank (`"on_bad_page": "placeholder"`).',
    )
    memory_limit_mb: int = Field(
        512,
        ge=256,
        le=65_536,
        description="Memory in MB that one rendering process may use. The machine needs this much "
        "for each of them.",
    )
    max_pages: int = Field(
        5000,
        ge=1,
        le=50_000,
        description="Pages that a PDF may have. Longer ones are refused at upload.",
    )
    max_pixels: int = Field(
        25_000_000,
        ge=10_000,
        le=100_000_000,
        description="Pixels that a page image may have. Larger pages are rendered smaller; "
        "A1 at 150 dpi has 17 million.",
    )

    sandbox: Literal["auto", "required", "off"] = Field(
        "auto",
        description='"auto" confines rendering processes with what the kernel offers (Landlock and '
        'seccomp); "required" refuses to start without both; "off" leaves a PDF that takes over '
        "its process free to read what the server can.",
    )

    @property
    def process_count(self) -> int:
        return self.processes or len(os.sched_getaffinity(0))


class LimitsSettings(_Section):
    """What one user may ask for."""

    max_stored_mb_per_user: int = Field(
        10_000,
        ge=1,
        le=100_000_000,
        description="Size in MB of all PDFs and pages that one user may store. Further uploads and "
        "jobs get a 507.",
    )
    max_upload_mb: int = Field(
        100,
        ge=1,
        le=4096,
        description="Size of the largest PDF in MB. nginx's client_max_body_size must be slightly "
        "larger.",
    )
    max_active_jobs_per_user: int = Field(
        100,
        ge=1,
        le=10_000,
        description="Jobs that one user may have waiting and running. Further jobs get a 429.",
    )


class LoggingSettings(_Section):
    """What is logged. Logs go to standard error, one event per line."""

    format: Literal["text", "json"] = Field(
        "text", description='"text" for people; "json", one object per line, for log collectors.'
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level that is logged."
    )
    polls: bool = Field(
        True,
        description="Whether each status poll is logged, as JOB STATUS. A hundred polling clients "
        "write 50 lines a second; errors are logged either way.",
    )


class MetricsSettings(_Section):
    """Where Prometheus reads /metrics."""

    port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Loopback port for /metrics alone, hidden from clients of the API. 0 serves "
        "/metrics on the server's own port.",
    )


class Config(_Section):
    """All settings, validated and immutable."""

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
                "auth.mode dev lets anyone in, so server.host must be loopback, "
                f"not {self.server.host}"
            )
        if self.auth.mode == "firebase" and not self.auth.firebase_project_id:
            raise ValueError("auth.firebase_project_id is needed in mode firebase")
        return self

    @model_validator(mode="after")
    def _machines_share_everything(self) -> "Config":
        if self.jobs.engine != "celery":
            return self
        if not self.jobs.broker:
            raise ValueError("jobs.broker is needed for the engine celery: Redis or RabbitMQ")
        if self.mongodb.uri == "embedded":
            raise ValueError(
                "mongodb.uri must not be embedded for the engine celery: all machines share one "
                "MongoDB"
            )
        if not self.storage.url:
            raise ValueError(
                "storage.url is needed for the engine celery: all machines share one object store"
            )
        if not self.server.secret_key:
            raise ValueError(
                "server.secret_key is needed for the engine celery: all servers sign with one key"
            )
        return self


def load_config(environ: Mapping[str, str] = os.environ) -> Config:
    """Read `config.toml`, or the file named by WORDAI_JOBS_CONFIG; the environment overrides it.

    A variable with `__FILE` at its end names a file with the value, which is a secret.

    Raises StartError, one line that names the key, if a key is unknown, a value is bad or the file
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
    """Check a mapping of sections; raises StartError that names the first wrong key."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise StartError(f"Configuration: {_first_problem(error)}") from error


def _first_problem(error: ValidationError) -> str:
    problem = first_problem(error)
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key}"
    message = "must be a table" if problem["type"] == "model_type" else message_about(problem)
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
        if key.endswith(_FROM_FILE):
            found.append((section, key.removesuffix(_FROM_FILE), _secret(Path(environ[name]))))
        else:
            found.append((section, key, _json_or_string(environ[name])))
    return found


def _secret(path: Path) -> str:
    """The file's text. Never JSON: a password may consist of digits."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise StartError(f"Configuration: cannot read {path}: {error.strerror}") from error


def _json_or_string(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
