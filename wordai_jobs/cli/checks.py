"""What the doctor looks at, one function each. A check that finds several things wrong tells the first."""

import errno
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import requests

from wordai_jobs import __version__
from wordai_jobs.app import configured_database, render_options
from wordai_jobs.cli.configured import data_folder, opened_database
from wordai_jobs.client import Client, ClientError, ReadyReport
from wordai_jobs.config import CONFIG_FILE_VARIABLE, PREFIX, Config, ServerSettings, load_config
from wordai_jobs.errors import DatabaseError, DataFolderInUse, StartError
from wordai_jobs.rendering.options import Failure
from wordai_jobs.rendering.process import ChildEnded, ChildProcess, ChildTimedOut
from wordai_jobs.storage.folder import DataFolder

_SHORTEST_SECRET = 16
_CERTIFICATES_URL = "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
_CERTIFICATES_TIMEOUT_S = 5
_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj\ntrailer<</Root 1 0 R>>\n")


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"  # the server runs all the same
    PROBLEM = "problem"  # it does not, or not well


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing is; `advice` says what to do, where there is something."""

    check: str
    level: Level
    detail: str
    advice: str = ""


def findings() -> Iterator[Finding]:
    """Check after check, each as soon as it is done."""
    try:
        config = load_config()
    except StartError as error:
        yield Finding(
            "configuration", Level.PROBLEM, str(error).removeprefix("Configuration: "),
            "correct it; the other checks need it")
        return
    yield _configuration(config)
    yield _sign_in(config)
    yield _storage(config)
    yield _secret_key(config)
    yield _port(config.server)
    yield from _database(config)
    yield _renderers(config)


def _configuration(config: Config) -> Finding:
    named = os.environ.get(CONFIG_FILE_VARIABLE)
    file = named or ("config.toml" if Path("config.toml").exists() else "no file, so the defaults")
    overrides = sum(name.startswith(PREFIX) and name != CONFIG_FILE_VARIABLE for name in os.environ)
    return Finding("configuration", Level.OK, f"{file}; settings from the environment: {overrides}; mode {config.auth.mode}")


def _sign_in(config: Config) -> Finding:
    check = "sign-in"
    if config.auth.mode == "dev":
        return Finding(
            check, Level.WARNING, "mode dev: anyone on this machine is who they say",
            "for real users, set auth.mode to firebase and auth.firebase_project_id")
    from wordai_jobs.auth.firebase import FirebaseTokens
    try:
        FirebaseTokens(config.auth.firebase_project_id, config.auth.credentials_file)
    except StartError as error:
        return Finding(check, Level.PROBLEM, str(error), "correct auth.firebase_project_id or auth.credentials_file")
    if os.environ.get("FIREBASE_AUTH_EMULATOR_HOST"):
        return Finding(
            check, Level.WARNING, "FIREBASE_AUTH_EMULATOR_HOST is set: tokens are not verified, anyone can be anyone",
            "unset it, unless this is for development")
    try:
        requests.get(_CERTIFICATES_URL, timeout=_CERTIFICATES_TIMEOUT_S).raise_for_status()
    except requests.RequestException:
        return Finding(
            check, Level.WARNING, "Google's certificates cannot be fetched, so no token can be verified",
            "let this machine connect to www.googleapis.com, port 443")
    return Finding(check, Level.OK, f"tokens of the Firebase project {config.auth.firebase_project_id} can be verified")


def _storage(config: Config) -> Finding:
    check, path = "storage", Path(config.storage.data_dir).absolute()
    try:
        if not path.exists():
            return _missing_storage(check, path)
        folder = data_folder(config)
        folder.check_writable()
    except StartError as error:
        return Finding(check, Level.PROBLEM, str(error), "or set storage.data_dir")
    except OSError as error:
        return Finding(
            check, Level.PROBLEM, f"{path} cannot be written: {error.strerror}",
            "make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "correct its permissions, or set storage.data_dir")
    free = f"{path}, {shutil.disk_usage(path).free / 1e9:.1f} GB free"
    if not folder.has_room_for(config.limits.max_upload_mb * 1024 * 1024):
        return Finding(check, Level.PROBLEM, f"{free}: no room for a PDF of limits.max_upload_mb", "make room")
    return Finding(check, Level.OK, free)


def _missing_storage(check: str, path: Path) -> Finding:
    parent = next(parent for parent in path.parents if parent.exists())
    if os.access(parent, os.W_OK | os.X_OK):
        return Finding(check, Level.OK, f"{path} is not there yet, and will be made")
    return Finding(
        check, Level.PROBLEM, f"{path} is not there, and cannot be made in {parent}",
        "make it for the user that the server runs as, or set storage.data_dir")


def _secret_key(config: Config) -> Finding:
    check, path = "secret key", Path(config.storage.data_dir).absolute() / "secret_key"
    key = config.server.secret_key
    if key:
        if len(key) < _SHORTEST_SECRET:
            return Finding(
                check, Level.PROBLEM, f"server.secret_key has {len(key)} characters, which can be guessed",
                "use 32 or more random ones, or leave it empty to have one made")
        return Finding(check, Level.OK, "set by server.secret_key")
    try:
        text, mode = path.read_text(encoding="ascii"), path.stat().st_mode
    except FileNotFoundError:
        return Finding(check, Level.OK, "will be made at the first start")
    except (OSError, UnicodeDecodeError):
        return Finding(
            check, Level.PROBLEM, f"{path} cannot be read", "run this as the server's user, or correct its permissions")
    if not text.strip():
        return Finding(check, Level.PROBLEM, f"{path} is empty", "delete it, or set server.secret_key")
    if mode & 0o077:
        return Finding(check, Level.WARNING, f"others can read {path}", f"chmod 600 {path}")
    return Finding(check, Level.OK, f"in {path}")


def _port(server: ServerSettings) -> Finding:
    check, address = "port", f"{server.host}:{server.port}"
    reason = _why_not_free(server)
    if reason is None:
        return Finding(check, Level.OK, f"{address} is free" if server.port else "a free one will be taken")
    if reason != errno.EADDRINUSE:
        return Finding(
            check, Level.PROBLEM, f"{address}: {os.strerror(reason)}",
            "set server.host and server.port to what may be used here")
    try:
        running = _ask(server)
    except ClientError:
        return Finding(check, Level.PROBLEM, f"{address} is used by another program", "stop that, or set server.port")
    answer = f"wordai_jobs {running.version} serves on {address}"
    if not running.is_ready:
        return Finding(check, Level.PROBLEM, f"{answer} and is not ready: {running.detail}", "look at its log")
    if running.version != __version__:
        return Finding(check, Level.WARNING, f"{answer}; installed here is {__version__}", "start it anew to use that")
    return Finding(check, Level.OK, f"{answer} and is ready")


def _why_not_free(server: ServerSettings) -> int | None:
    """The error number of listening there; None where that can be done."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        return errno.EADDRNOTAVAIL
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return error.errno
    return None


def _ask(server: ServerSettings) -> ReadyReport:
    """How the server that listens there is; raises ClientError where it is none of ours."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)
    with Client(f"http://{f'[{host}]' if ':' in host else host}:{server.port}") as client:
        return client.ready()


def _database(config: Config) -> Iterator[Finding]:
    check = "database"
    try:
        if config.mongodb.uri == "embedded" and not DataFolder(Path(config.storage.data_dir)).mongodb.exists():
            yield _new_embedded_database(config)
            return
        folder = data_folder(config) if config.mongodb.uri == "embedded" else DataFolder(Path(config.storage.data_dir))
        with opened_database(config, folder) as database:
            database.ping()
            missing = database.missing_indexes(config.jobs.retention_days)
    except DataFolderInUse:
        yield _database_of_running_server(config)
    except DatabaseError as error:
        yield Finding(check, Level.PROBLEM, _in_full(error), "start MongoDB, or correct mongodb.uri")
    except StartError as error:
        yield Finding(check, Level.PROBLEM, str(error))
    else:
        yield Finding(check, Level.OK, "answers")
        yield Finding("indexes", Level.OK, "all are there") if not missing else Finding(
            "indexes", Level.WARNING, f"missing or different: {', '.join(missing)}",
            "the next start makes them, or now: wordai-jobs create-indexes")


def _new_embedded_database(config: Config) -> Finding:
    """Whether the program works, tried in a folder of its own: the real one is made by the server's user, at its start."""
    with tempfile.TemporaryDirectory(prefix="wordai-jobs-doctor-") as temporary:
        embedded, database = configured_database(config.mongodb, DataFolder(Path(temporary)))
        assert embedded
        try:
            embedded.start()
            database.ping()
        except DatabaseError as error:
            return Finding("database", Level.PROBLEM, _in_full(error))
        finally:
            database.close()
            embedded.stop()
    return Finding("database", Level.OK, "the embedded one works; its data and indexes will be made at the first start")


def _database_of_running_server(config: Config) -> Finding:
    check = "database"
    with suppress(ClientError):
        running = _ask(config.server)
        if running.is_ready:
            return Finding(check, Level.OK, "embedded; the running server has it, with its indexes, and says that it is ready")
        return Finding(check, Level.PROBLEM, f"embedded; the running server has it, and is not ready: {running.detail}")
    return Finding(
        check, Level.PROBLEM, f"a server has the data folder, and does not answer on {config.server.host}:{config.server.port}",
        "if that server should not run, stop it; else check it with its own configuration")


def _in_full(error: DatabaseError) -> str:
    """The words, and the driver's where they are short: those of an unreachable server are a paragraph."""
    cause = str(error.__cause__ or "").partition(", full error")[0].partition(" (configured timeouts")[0]
    return f"{error.words}: {cause}" if cause and len(cause) < 200 else error.words


def _renderers(config: Config) -> Finding:
    check, rendering = "renderers", config.rendering
    child = ChildProcess("a renderer", rendering.memory_limit_mb)
    with tempfile.TemporaryDirectory(prefix="wordai-jobs-doctor-") as folder:
        pdf = Path(folder) / "page.pdf"
        pdf.write_bytes(_PDF)
        try:
            child.start()
            child.send({
                "op": "render", "pdf": str(pdf), "folder": folder, "pages": [1], "options": asdict(render_options(rendering))})
            answer = child.receive(rendering.page_timeout_s)
        except (ChildEnded, ChildTimedOut) as error:
            return Finding(
                check, Level.PROBLEM, str(error) or "a page took too long",
                "install pymupdf and pillow of the versions asked for, or set rendering.memory_limit_mb higher")
        finally:
            child.kill()
    if "failure" in answer:
        return Finding(check, Level.PROBLEM, f"a page could not be rendered: {Failure(answer['failure']).words}")
    count, limit_mb = rendering.process_count, rendering.memory_limit_mb
    return Finding(check, Level.OK, f"one has rendered a page; {count} will run, with up to {limit_mb} MB each")
