"""A machine that releases are deployed to with deploy.sh, with plain processes in place of systemd;
and releases for it.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.support.client import Client
from tests.support.processes import is_alive
from tests.support.server import ROOT, free_port
from tests.support.waiting import wait_until

DEPLOY = ROOT / "deploy" / "deploy.sh"
_INSTALLER = Path(__file__).with_name("install_release.py")
_PARTS = ("pyproject.toml", "setup.cfg", "constraints.txt", "README.md", "LICENSE", "wordai_jobs")
# Has the environments that it makes find the packages of the tests' own.
_PYTHON = """#!/bin/sh
"{python}" "$@" || exit
[ "$2" != venv ] || for folder in "$3"/lib/python*/site-packages; do echo "{packages}" > "$folder/other_packages.pth"; done
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


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a release: in `file`, `old` is replaced by `new`."""

    file: str
    old: str
    new: str

    def only_when_live(self) -> "Fault":
        """The same, hidden from the trial: that gets its port from the environment, the live server
        from the file.
        """
        is_live = '"WORDAI_JOBS_SERVER__PORT" not in __import__("os").environ'
        return Fault(self.file, self.old, self.new.replace("LIVE", is_live))

    def always(self) -> "Fault":
        return Fault(self.file, self.old, self.new.replace("LIVE", "True"))


CRASHES = Fault(
    "wordai_jobs/server.py",
    "    _raise_file_limit()\n",
    "    assert not LIVE\n    _raise_file_limit()\n",
)
NEVER_READY = Fault(
    "wordai_jobs/readiness.py",
    "    found = []\n",
    "    found = ['the moon is in the wrong house'] if LIVE else []\n",
)
WRONG_VERSION = Fault(
    "wordai_jobs/web/health.py",
    "version=__version__",
    "version='6.6.6' if LIVE else __version__",
)


class Machine:
    """Folders and a port of its own. `environment` are lines of the file that systemd would
    read.
    """

    def __init__(self, folder: Path, environment: str = "") -> None:
        self.root = folder / "opt"
        self.home = folder / "home"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._sources = folder / "sources"
        self._config = folder / "config.toml"
        self._environment_file = folder / "environment"
        self._environment_file.write_text(environment)
        self.home.mkdir()
        self._config.write_text(_CONFIG.format(port=self.port))

    def release(self, version: str, fault: Fault | None = None) -> Path:
        """The sources of a release: this checkout, under another version, and perhaps with a
        fault.
        """
        folder = self._sources / version
        folder.mkdir(parents=True)
        for part in _PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(
                    ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                shutil.copy(ROOT / part, folder / part)
        _replace(
            folder / "wordai_jobs/__init__.py", _version_line(ROOT), f'__version__ = "{version}"'
        )
        if fault:
            _replace(folder / fault.file, fault.old, fault.new)
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
        """As a server would; only the dependencies come from the tests' environment, which spares
        half a minute.
        """
        python = self.root.parent / "python"
        python.write_text(
            _PYTHON.format(python=sys.executable, packages=sysconfig.get_path("purelib"))
        )
        python.chmod(0o755)
        return self.deploy(source, DEPLOY_INSTALLER="", DEPLOY_PYTHON=str(python), PIP_NO_DEPS="1")

    @property
    def version(self) -> str:
        """The version that answers."""
        return str(requests.get(f"{self.url}/health", timeout=10).json()["version"])

    @property
    def pid(self) -> int:
        """Of the server; raises FileNotFoundError where none has been started."""
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
        """End the server, and see that it is the only process that was left."""
        try:
            pid = self.pid
        except FileNotFoundError:
            return
        try:
            os.kill(pid, 15)
        except ProcessLookupError:
            return
        wait_until(lambda: not is_alive(pid), 60, "the end of the deployed server")

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WORDAI_JOBS_", "DEPLOY_"))
        }
        return {
            **clean,
            # The embedded database is there.
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


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} is not once in {path.name}"
    path.write_text(text.replace(old, new))


def _version_line(root: Path) -> str:
    lines = (root / "wordai_jobs/__init__.py").read_text().splitlines()
    return next(line for line in lines if line.startswith("__version__ = "))
