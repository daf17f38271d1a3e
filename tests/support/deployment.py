"""A machine for deploy.sh, with plain processes instead of systemd, and releases for it."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path

import requests

from tests.support.client import Client
from tests.support.processes import is_alive
from tests.support.server import ROOT, environment, free_port
from tests.support.waiting import wait_until
from wordai_jobs import __version__

DEPLOY = ROOT / "deploy" / "deploy.sh"
_INSTALLER = Path(__file__).with_name("install_release.py")
_FILES = ("pyproject.toml", "setup.cfg", "constraints.txt", "README.md", "LICENSE")
# A Python whose virtual environments also find the packages of the tests' own.
_PYTHON = """#!/bin/sh
"{python}" "$@" || exit
[ "$2" = venv ] || exit 0
for folder in "$3"/lib/python*/site-packages; do
    echo "{packages}" > "$folder/other_packages.pth"
done
"""
_CONFIG = """
[server]
port = {port}

[jobs]
shutdown_grace_s = 2

[rendering]
processes = 1
page_timeout_s = 600
"""


# When a fault shows. A trial gets its port from the environment, the live server from the file.
ALWAYS = "True"
ONLY_LIVE = '("WORDAI_JOBS_SERVER__PORT" not in __import__("os").environ)'

# Faults of a release: a file and code for its end, in which IS_BAD is replaced by one of these.
Fault = tuple[str, str]
CRASHES: Fault = (
    "wordai_jobs/server.py",
    """
_serve = serve

def serve(config):
    assert not IS_BAD
    _serve(config)
""",
)
NEVER_READY: Fault = (
    "wordai_jobs/app.py",
    """
_create_app = create_app

def create_app(config):
    from flask import request

    def readiness():
        if IS_BAD and request.path == "/health/ready":
            return {"detail": "the moon is in the wrong house"}, 503

    app = _create_app(config)
    app.before_request(readiness)
    return app
""",
)
WRONG_VERSION: Fault = (
    "wordai_jobs/__init__.py",
    '\n__version__ = "6.6.6" if IS_BAD else __version__\n',
)


class Machine:
    """Folders and a port of its own; `variables` is the file that systemd would read."""

    def __init__(self, folder: Path, variables: str = "") -> None:
        self.root = folder / "opt"
        self.home = folder / "home"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._sources = folder / "sources"
        self._config = folder / "config.toml"
        self._environment_file = folder / "environment"
        self._environment_file.write_text(variables)
        self.home.mkdir()
        self._config.write_text(_CONFIG.format(port=self.port))

    def release(self, version: str, fault: Fault | None = None, when: str = ALWAYS) -> Path:
        """The sources of a release: this checkout with another version, and perhaps a fault."""
        folder = self._sources / version
        folder.mkdir(parents=True)
        for name in _FILES:
            shutil.copy(ROOT / name, folder)
        without_cache = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "wordai_jobs", folder / "wordai_jobs", ignore=without_cache)
        package = folder / "wordai_jobs" / "__init__.py"
        package.write_text(package.read_text().replace(f'"{__version__}"', f'"{version}"'))
        if fault:
            name, code = fault
            with open(folder / name, "a") as file:
                file.write(code.replace("IS_BAD", when))
        return folder

    def run(self, *arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **settings)
        try:
            output, _ = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            process.terminate()
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    def start(self, *arguments: str | Path, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(DEPLOY), *map(str, arguments)],
            env=self._environment(settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def deploy(self, source: Path, **settings: str) -> subprocess.CompletedProcess[str]:
        return self.run("deploy", source, **settings)

    def deploy_with_pip(self, source: Path) -> subprocess.CompletedProcess[str]:
        """As on a server, but dependencies come from the tests' environment: half a minute less."""
        packages = sysconfig.get_path("purelib")
        python = self.root.parent / "python"
        python.write_text(_PYTHON.format(python=sys.executable, packages=packages))
        python.chmod(0o755)
        return self.deploy(source, DEPLOY_INSTALLER="", DEPLOY_PYTHON=str(python), PIP_NO_DEPS="1")

    @property
    def version(self) -> str:
        """The version that answers."""
        return str(requests.get(f"{self.url}/health", timeout=10).json()["version"])

    @property
    def pid(self) -> int:
        """Of the server; raises FileNotFoundError if none has been started."""
        return int((self.root / "server.pid").read_text())

    @property
    def releases(self) -> set[str]:
        return {path.name for path in (self.root / "releases").iterdir()}

    def client(self, user_id: str) -> Client:
        return Client(self.url, user_id)

    def check_serves(self, version: str) -> None:
        assert self.version == version
        assert requests.get(f"{self.url}/health/ready", timeout=10).ok
        assert (self.root / "current").resolve().name == version

    def stop(self) -> None:
        """Stop the server, if there is one."""
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
            wait_until(lambda: not is_alive(self.pid), 60, "the end of the deployed server")

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        return {
            **environment({}),
            # The embedded database is in that folder.
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DEPLOY_ROOT": str(self.root),
            "DEPLOY_CONFIG": str(self._config),
            "DEPLOY_HOME": str(self.home),
            "DEPLOY_ENVIRONMENT": str(self._environment_file),
            "DEPLOY_SUPERVISOR": "process",
            "DEPLOY_INSTALLER": str(_INSTALLER),
            "DEPLOY_PYTHON": sys.executable,
            **settings,
        }
