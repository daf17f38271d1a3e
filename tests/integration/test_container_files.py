"""Dockerfile, compose.yaml and the files they name, as far as no container engine is needed.

tests/acceptance/test_deploy.py builds and runs them.
"""

import configparser
import json
import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.server import ROOT, ServerProcess, environment, free_port
from tests.support.tools import program
from tools.locks import LEFT_OUT

DEPLOY = ROOT / "deploy"
LOCKS = ("requirements.txt", "requirements-embedded.txt", "requirements-build.txt")


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as pairs of an instruction and its arguments."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = [line.split(maxsplit=1) for line in text.replace("\\\n", " ").splitlines() if line]
    return [(name, arguments.strip()) for name, arguments in lines]


def arguments_of(name: str) -> list[str]:
    return [arguments for instruction, arguments in instructions() if instruction == name]


COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
COPIED = [
    source
    for arguments in arguments_of("COPY")
    if "--from" not in arguments
    for source in arguments.split()[:-1]
]


def test_every_image_that_is_not_built_here_has_a_version() -> None:
    images = [arguments.split()[0] for arguments in arguments_of("FROM")]
    images += [SERVICES[name]["image"] for name in ("mongodb", "nginx")]
    named = [image for image in images if image != "packages"]
    assert len(named) == 4
    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+[a-z0-9.\-]*", image) for image in named)


@pytest.mark.parametrize("source", COPIED)
def test_every_copied_file_is_there_and_sent_to_the_engine(source: str) -> None:
    assert list(ROOT.glob(source))
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [line[1:] for line in ignored if line.startswith("!")]
    assert any(fnmatch(source, it) or source.startswith(f"{it}/") for it in allowed)


def test_the_image_has_the_tested_versions_and_wheels_of_both_architectures() -> None:
    constraints = pinned((ROOT / "constraints.txt").read_text())
    texts = {name: (DEPLOY / name).read_text() for name in LOCKS}
    locked = {name: pinned(text) for name, text in texts.items()}
    image = locked["requirements.txt"] | locked["requirements-embedded.txt"]
    assert {name: constraints[name] for name in image} == image
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    named = settings["options"]["install_requires"].split("\n")
    named += settings["options.extras_require"]["embedded"].split("\n")
    wanted = {re.split(r"[<>=;]", line)[0].strip().lower() for line in named if line}
    assert wanted <= set(image) and not LEFT_OUT & set(image)
    # A wheel with machine code has one hash for each architecture.
    hashes = re.findall(r"^(\S+)==((?:.|\n)*?)(?=^\S|\Z)", texts["requirements.txt"], re.MULTILINE)
    counts = {name: text.count("--hash") for name, text in hashes}
    assert counts["flask"] == 1 and counts["pymupdf"] == counts["numpy"] == 2


def pinned(text: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", text, re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


def test_the_health_check_fails_without_a_server(server: ServerProcess) -> None:
    def health_check(port: int) -> int:
        [check] = arguments_of("HEALTHCHECK")
        command = [sys.executable, *json.loads(check.partition("CMD")[2])[1:]]
        env = environment({"server.port": port})
        return subprocess.run(command, env=env, timeout=30, stderr=subprocess.DEVNULL).returncode

    assert health_check(server.port) == 0
    assert health_check(free_port()) != 0


def test_services_wait_for_each_other_and_jobs_get_their_grace() -> None:
    assert SERVICES["nginx"]["depends_on"] == {"app": {"condition": "service_healthy"}}
    assert SERVICES["app"]["depends_on"] == {"mongodb": {"condition": "service_healthy"}}
    assert int(SERVICES["app"]["stop_grace_period"].removesuffix("s")) >= 60


def test_nginx_in_its_container_has_the_applications_address(tmp_path: Path) -> None:
    files = {"SITE": str(DEPLOY / "nginx.conf"), "TARGET": str(tmp_path)}
    env = {**os.environ, **files, "UPSTREAM": "172.30.87.10:8000"}
    program("nginx", "nginx-light")
    command = ["sh", str(DEPLOY / "nginx-in-compose.sh"), "-t"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "syntax is ok" in done.stderr, done.stderr
    text = (tmp_path / "site.conf").read_text()
    assert text.count("server 172.30.87.10:8000;") == 1 and "server 127.0.0.1" not in text
    assert text.count("access_log /dev/stdout wordai;") == 1 and "/var/log" not in text
