"""A container engine of the test's own, with images made from Debian's packages.

No registry of images is asked. One file system, made once, has the names of the images that the
Dockerfile and the compose file start from. It has Python, nginx and this machine's pip settings.
"""

import configparser
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.tools import missing, program
from tests.support.waiting import wait_until

_PACKAGES = "ca-certificates,curl,nginx-light,python3,python3-venv,wget"
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# As docs/deployment.md recommends: a restart of the engine leaves containers running.
_OPTIONS = ("--live-restore",)
_PIP_SETTINGS = ("index-url", "proxy", "trusted-host")
_BASES = ("python:3.11-slim-bookworm", "nginx:1.28-alpine")


class Engine:
    """dockerd with folder and socket of its own."""

    _process: subprocess.Popen[bytes]

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "dockerd.log"
        self._socket = f"unix://{folder / 'sock'}"
        self.environment = {**os.environ, "DOCKER_HOST": self._socket, "COMPOSE_ANSI": "never"}

    def start(self) -> "Engine":
        command = [program("dockerd", "docker.io"), "--host", self._socket, *_OPTIONS]
        for option, name in (("data-root", "data"), ("exec-root", "exec"), ("pidfile", "pid")):
            command += [f"--{option}", str(self._folder / name)]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._is_up, 60, "the container engine")
        return self

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(150)

    def remove_all(self) -> None:
        """Containers, and networks, which have bridges and firewall rules on this machine."""
        names = self.run("ps", "--all", "--quiet").split()
        if names:
            self.run("rm", "--force", "--volumes", *names)
        self.run("network", "prune", "--force")

    def run(self, *arguments: str, expect: int = 0) -> str:
        """What a command of docker says."""
        done = subprocess.run(
            ["docker", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    def make_bases(self) -> None:
        """Import the images that others are built from."""
        hooks = (
            'ln -s python3 "$1/usr/bin/python"',
            f'mkdir -p "$1/etc/ssl/certs" && cp {_AUTHORITIES} "$1{_AUTHORITIES}"',
            f'cp {self._pip_settings()} "$1/etc/pip.conf"',
        )
        command = [program("mmdebstrap", "mmdebstrap"), "--quiet", "--variant=minbase"]
        command += [f"--include={_PACKAGES}"]
        command += [f"--customize-hook={hook}" for hook in hooks]
        env = {**os.environ, "TMPDIR": str(self._folder)}
        with subprocess.Popen([*command, "bookworm", "-"], env=env, stdout=subprocess.PIPE) as made:
            subprocess.run(
                ["docker", "import", "-", _BASES[0]],
                env=self.environment,
                stdin=made.stdout,
                stdout=subprocess.DEVNULL,
                timeout=400,
                check=True,
            )
        assert made.returncode == 0
        for name in _BASES[1:]:
            self.run("tag", _BASES[0], name)

    def _pip_settings(self) -> Path:
        """How pip reaches packages on this machine, for the pip in containers."""
        listed = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        settings = configparser.ConfigParser()
        settings["global"] = {"cert": _AUTHORITIES, "disable-pip-version-check": "1"}
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            key = name.rpartition(".")[2]
            if key in _PIP_SETTINGS:
                settings["global"][key] = value.strip("'")
        path = self._folder / "pip.conf"
        with open(path, "w") as file:
            settings.write(file)
        return path

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()[-3000:]
        command = ["docker", "version"]
        return subprocess.run(command, env=self.environment, capture_output=True).returncode == 0


@contextmanager
def running_engine(folder: Path) -> Iterator[Engine]:
    """An engine with its bases, in memory: its files would be synced to a disk one by one."""
    if os.geteuid() != 0:
        missing("root, to run a container engine")
    compose = subprocess.run(["docker", "compose", "version"], capture_output=True)
    if compose.returncode != 0:
        missing("Docker with Compose v2 (.ci/run installs it)")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6g", "tmpfs", str(folder)], check=True)
    engine = Engine(folder)
    try:
        engine.start()
        engine.make_bases()
        yield engine
    finally:
        engine.remove_all()
        engine.stop()
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
