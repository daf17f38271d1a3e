"""The embedded database: SecantusDB, which speaks MongoDB's wire protocol on a loopback port.

It runs as a child process and is never imported: its licence is GPL-2.0-only, and its Python code
would share this process's GIL.
"""

import logging
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from wordai_jobs import linux
from wordai_jobs.errors import StartError
from wordai_jobs.files import write_secret

if TYPE_CHECKING:
    from pymongo import MongoClient

START_TIMEOUT_S = 30.0
# An orderly stop takes half a second, but its handler of SIGTERM sometimes hangs (on a busy machine
# every third time).
_STOP_TIMEOUT_S = 2.0
_PROGRAM = "secantusd-py"
_CONFIG = "secantusd.toml"
_USER = "wordai-jobs"
_PASSWORD_FILE = "password"
_PORT_FILE = "port"
_FIRST_PORT = 20_000
_EPHEMERAL_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_CACHE = "64M"
_RESTART_PAUSE_S = 0.5
_START_CHECK_S = 0.02
_LONGEST_LINE = 1000
# It imports numpy, but computes nothing with it: threads for that take a third of its imports.
_ITS_VARIABLES = {"OPENBLAS_NUM_THREADS": "1"}

logger = logging.getLogger(__name__)


class HasDescriptor(Protocol):
    def fileno(self) -> int: ...


class EmbeddedDatabase:
    """Starts the database, restarts it if it dies, and stops it."""

    def __init__(self, folder: Path, lock: HasDescriptor) -> None:
        """The database inherits `lock` from this process: it is released when both have ended."""
        self._folder = folder
        self._lock = lock
        self._port = _free_port()
        self._password_file = folder / _PASSWORD_FILE
        self._password = _read_password(self._password_file) or secrets.token_hex(32)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._has_started = threading.Event()
        self._error: StartError | None = None
        # The kernel ends the database together with the thread that started it, so this thread runs
        # as long as the database.
        self._thread = threading.Thread(target=self._run, name="embedded database", daemon=True)

    @property
    def uri(self) -> str:
        return _uri(self._password, self._port)

    def begin(self) -> None:
        """Begin to start the database; returns at once."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Without its own configuration file, it would read one from the home folder or /etc.
        (self._folder / _CONFIG).touch(mode=0o600)
        write_secret(self._folder / _PORT_FILE, str(self._port))
        self._thread.start()

    def start(self) -> None:
        """Start the database, unless it has begun; returns once it responds.

        Raises StartError if it is not installed or does not respond in time.
        """
        if self._thread.ident is None:
            self.begin()
        self._has_started.wait(2 * START_TIMEOUT_S)
        if self._error:
            raise self._error
        self._wait_until_it_responds(self.uri).close()

    def stop(self) -> None:
        """Stop the database. A kill does no harm: all acknowledged writes are on disk."""
        self._stopping.set()
        process = self._process
        if process and process.poll() is None:
            process.terminate()
            self._knock()  # without a connection, it notices only after 2 s that it has to stop
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                logger.info(
                    "the embedded database did not stop in %.0f s and is killed; no data is lost",
                    _STOP_TIMEOUT_S,
                )
                process.kill()
                process.wait()
        if self._thread.ident is not None:
            self._thread.join(_STOP_TIMEOUT_S)

    def _create_user(self) -> None:
        """Create a user with our password, and remove all other users. Raises StartError.

        The password is needed because other users of this machine can reach the port. The database
        can create its first user only while it requires no password. So it runs without one for a
        moment, at the first start of a release that requires one.
        """
        process = self._process = self._spawn()
        try:
            with self._wait_until_it_responds(f"mongodb://127.0.0.1:{self._port}") as client:
                users = client.admin.command("usersInfo")["users"]
                for user in users:
                    client.admin.command("dropUser", user["user"])
                client.admin.command("createUser", _USER, pwd=self._password, roles=["root"])
        finally:
            process.kill()
            process.communicate()
        write_secret(self._password_file, self._password)

    def _knock(self) -> bool:
        """Connect once; returns whether the database accepts connections."""
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        return True

    def _run(self) -> None:
        try:
            if not self._password_file.exists():
                self._create_user()
            self._keep_running()
        except StartError as error:
            self._error = error
        except Exception as error:
            self._error = StartError(f"The embedded database could not be started: {error}")
            self._error.__cause__ = error
        finally:
            self._has_started.set()

    def _keep_running(self) -> None:
        while not self._stopping.is_set():
            self._process = self._spawn("--auth")
            self._has_started.set()
            _log_output(self._process)
            code = self._process.wait()
            if not self._stopping.is_set():
                logger.error("the embedded database ended with %d and is started again", code)
                self._stopping.wait(_RESTART_PAUSE_S)

    def _spawn(self, *options: str) -> subprocess.Popen[bytes]:
        # Without --sync-on-commit, 3 of 400 acknowledged writes were lost by a kill -9.
        command = [
            _program(),
            *options,
            "--config",
            str(self._folder / _CONFIG),
            "--host",
            "127.0.0.1",
            "--port",
            str(self._port),
            "--storage-path",
            str(self._folder / "db"),
            "--sync-on-commit",
            "--standalone",
            "--cache-size",
            _CACHE,
            "--log-level",
            "WARNING",
        ]
        # It dies with the server: acknowledged writes are on disk, so a kill loses nothing, and the
        # next server need not wait for an orderly stop. It has its own session, so that Ctrl-C
        # reaches only the server, which stops the database last.
        return subprocess.Popen(
            linux.dying_with_parent(command),
            start_new_session=True,
            cwd=self._folder,
            env=os.environ | _ITS_VARIABLES,
            pass_fds=[self._lock.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def _wait_until_it_responds(self, uri: str) -> "MongoClient[dict[str, Any]]":
        """A client of the database. Raises StartError if the database does not respond in time."""
        deadline = time.monotonic() + START_TIMEOUT_S
        # The driver would try again only every half second.
        while not self._knock() and time.monotonic() < deadline and not self._stopping.is_set():
            time.sleep(_START_CHECK_S)
        # Only now: to import it takes a third of a second, in which the database starts.
        from pymongo import MongoClient
        from pymongo.errors import PyMongoError

        client = MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=250)
        while True:
            try:
                client.admin.command("ping")
                return client
            except PyMongoError as error:
                if time.monotonic() > deadline or self._stopping.is_set():
                    client.close()
                    raise StartError(
                        "The embedded database did not answer in time; its log is above"
                    ) from error
                time.sleep(_START_CHECK_S)


def uri_of_running(folder: Path) -> str:
    """The URI of the database that another process runs from this folder. Raises StartError."""
    try:
        port = int((folder / _PORT_FILE).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError) as error:
        raise StartError(
            "The running server is of an older release, which does not tell the port of its "
            "embedded database: restart it, or stop it for this command"
        ) from error
    return _uri(_read_password(folder / _PASSWORD_FILE), port)


def _uri(password: str, port: int) -> str:
    return f"mongodb://{_USER}:{password}@127.0.0.1:{port}/?authSource=admin"


def _log_output(process: subprocess.Popen[bytes]) -> None:
    """Log the output of the database until it ends."""
    assert process.stdout
    with process.stdout as output:
        while line := output.readline(_LONGEST_LINE):
            logger.warning("database: %s", line.decode("utf-8", "replace").rstrip())


def _program() -> str:
    """The path of the database's program, next to this Python or in PATH. Raises StartError."""
    next_to_python = Path(sys.executable).with_name(_PROGRAM)
    found = str(next_to_python) if next_to_python.exists() else shutil.which(_PROGRAM)
    if not found:
        raise StartError(
            "The embedded database is not installed: "
            "pip install 'wordai-jobs[embedded]', or set mongodb.uri"
        )
    return found


def _read_password(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


def _free_port() -> int:
    """A free port that no outgoing connection can take while the database restarts on it."""
    first_ephemeral = int(_EPHEMERAL_PORTS.read_text().split()[0])
    while True:
        port = secrets.choice(range(_FIRST_PORT, max(first_ephemeral, _FIRST_PORT + 1000)))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
