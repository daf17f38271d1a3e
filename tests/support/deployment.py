"""A checkout on a machine with a container engine, and releases for its deploy.sh."""

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import requests

from tests.support.client import Client
from tests.support.engine import Engine
from tests.support.firebase import HOST, PROJECT, Google
from tests.support.server import ROOT, free_port
from wordai_jobs import __version__

_FILES = ("pyproject.toml", "setup.cfg", "README.md", "LICENSE", ".dockerignore")
_STAND_IN = Path(__file__).with_name("mongodb_stand_in.py")
_GUIDE = re.compile(
    r"<!-- run by tests/acceptance/test_deploy\.py -->\n```bash\n(.*?)```", re.DOTALL
)
_GOOGLE = """
error_log stderr;
events {}
http {
    access_log off;
    server {
        listen 443 ssl;
        ssl_certificate /google/site.pem;
        ssl_certificate_key /google/site.pem;
        default_type application/json;
        root /google;
        location / { try_files /certificates.json =404; }
    }
}
"""
SETTINGS = f"""
[auth]
mode = "firebase"
firebase_project_id = "{PROJECT}"

[jobs]
shutdown_grace_s = 2

[rendering]
processes = 1
page_timeout_s = 600
sandbox = "required"
"""

# Faults of a release: code for the end of a file.
CRASHES = ("server.py", "\ndef serve(config):\n    raise AssertionError('out of luck')\n")
WRONG_VERSION = ("__init__.py", '\n__version__ = "6.6.6"\n')
NEVER_READY = (
    "readiness.py",
    "\ndef problems(*_):\n    return ['the moon is in the wrong house']\n",
)


def guides() -> list[str]:
    """The commands in docs/deployment.md that say that they are run here, block by block."""
    return _GUIDE.findall((ROOT / "docs" / "deployment.md").read_text())


class Deployment:
    """Its release 1.0.0 is the code of this repository; users have tokens of `google`."""

    def __init__(self, folder: Path, engine: Engine, google: Google) -> None:
        self.engine = engine
        self.folder = folder
        self.deploy_folder = folder / "deploy"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._google = google
        for name in _FILES:
            shutil.copy(ROOT / name, folder)
        without_cache = shutil.ignore_patterns("__pycache__", ".env", "secrets", "config.toml")
        for name in ("wordai_jobs", "deploy"):
            shutil.copytree(ROOT / name, folder / name, ignore=without_cache)
        self.check_out("1.0.0")
        (self.deploy_folder / "config.toml").write_text(SETTINGS)
        self.write_environment()
        self._write_override(folder / "google")

    def write_environment(self) -> None:
        # What an engine that was killed has left on this machine must not be in the way.
        network = f"172.30.{random.randrange(256)}"
        settings = {
            "HTTP_PORT": self.port,
            "DEPLOY_TIMEOUT_S": 120,
            "SUBNET": f"{network}.0/24",
            "APP_ADDRESS": f"{network}.10",
        }
        lines = [f"{name}={value}\n" for name, value in settings.items()]
        (self.deploy_folder / ".env").write_text("".join(lines))

    def try_it(self, *arguments: str, port: int = 0) -> None:
        """A command of Compose with the file for trying the application."""
        file = str(self.deploy_folder / "compose.try.yaml")
        env = {**self.engine.environment, "PORT": str(port)}
        command = ["docker", "compose", "--file", file, *arguments]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, done.stdout + done.stderr

    def check_out(self, version: str) -> None:
        """As `git pull` does with a newer release."""
        package = self.folder / "wordai_jobs" / "__init__.py"
        text = (ROOT / "wordai_jobs" / "__init__.py").read_text()
        package.write_text(text.replace(f'"{__version__}"', f'"{version}"'))

    def make_image(self, version: str, fault: tuple[str, str]) -> None:
        """An image as a registry has it: of this version, with a fault."""
        folder = self.folder / f"image-{version}"
        folder.mkdir()
        name, code = fault
        (folder / "version").write_text(f'\n__version__ = "{version}"\n')
        (folder / "fault").write_text(code)
        (folder / "Dockerfile").write_text(
            "FROM wordai-jobs:1.0.0\n"
            "USER root\n"
            "COPY version fault /tmp/\n"
            "RUN cat /tmp/version >> /app/wordai_jobs/__init__.py"
            f" && cat /tmp/fault >> /app/wordai_jobs/{name}\n"
            "USER wordai-jobs\n"
        )
        self.engine.run("build", "--quiet", "--tag", f"wordai-jobs:{version}", str(folder))

    def follow(self, guide: str) -> str:
        """What the commands of the guide, typed in the checkout, say."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", guide],
            cwd=self.folder,
            env=self.engine.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=500,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def run(self, *arguments: str, expect: int = 0, **settings: str) -> str:
        """What deploy.sh says."""
        done = subprocess.run(
            [self.deploy_folder / "deploy.sh", *arguments],
            env={**self.engine.environment, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=500,
        )
        assert done.returncode == expect, done.stdout
        return done.stdout

    def compose(self, *arguments: str) -> str:
        return self.engine.run(
            "compose", "--project-directory", str(self.deploy_folder), *arguments
        )

    def container(self, service: str = "app") -> str:
        return self.compose("ps", "--all", "--quiet", service).strip()

    def inspect(self, service: str, field: str) -> str:
        """A field of the container's description, as a template of Go."""
        return self.engine.run("inspect", "--format", field, self.container(service)).strip()

    def client(self, user_id: str) -> Client:
        return Client(self.url, user_id, self._google.token(user_id))

    def check_serves(self, version: str) -> None:
        assert requests.get(f"{self.url}/health", timeout=10).json()["version"] == version
        assert requests.get(f"{self.url}/health/ready", timeout=10).ok
        env = (self.deploy_folder / ".env").read_text()
        assert re.findall(r"^VERSION=(.*)$", env, re.MULTILINE) == [version]

    def _write_override(self, folder: Path) -> None:
        """Containers reach nothing outside, not even this machine: Google is one of them."""
        folder.mkdir()
        self._google.write_site(folder)
        (folder / "nginx.conf").write_text(_GOOGLE)
        google = {
            "image": "nginx:1.28-alpine",
            "entrypoint": ["nginx", "-c", "/google/nginx.conf", "-g", "daemon off;"],
            "volumes": [f"{folder}:/google:ro"],
            "networks": {"inside": {"aliases": [HOST]}},
        }
        trusts_google = {
            "environment": {"REQUESTS_CA_BUNDLE": "/authority.pem"},
            "volumes": [f"{self._google.authority}:/authority.pem:ro"],
        }
        services = {"app": trusts_google, "tools": trusts_google, "mongodb": self._stand_in()}
        override = {"services": {**services, "google": google}}
        (self.deploy_folder / "compose.override.yaml").write_text(json.dumps(override))

    def _stand_in(self) -> dict[str, object]:
        connect = "import socket; socket.create_connection((socket.gethostname(), 27017), 1)"
        return {
            "image": "wordai-jobs:embedded",
            # The image has no folder for this volume, which belongs to root.
            "user": "0:0",
            "cap_add": ["DAC_OVERRIDE"],
            "entrypoint": ["python", "/stand_in.py"],
            "volumes": [f"{_STAND_IN}:/stand_in.py:ro"],
            "depends_on": ["google"],
            "healthcheck": {"test": ["CMD", "python", "-c", connect]},
        }
