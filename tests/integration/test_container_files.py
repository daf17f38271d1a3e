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
from tools.locks import EXTRAS, LEFT_OUT
from wordai_jobs.config import load_config

DEPLOY = ROOT / "deploy"
LOCKS = ("requirements.txt", *(f"requirements-{name}.txt" for name in (*EXTRAS, "build")))
FILLED_IN = {
    "FIREBASE_PROJECT_ID": "demo-project",
    "MONGODB_PASSWORD": "abc123",
    "CORS_ORIGINS": '["https://app.example"]',
    "SECRET_KEY": "abc456",
    "S3_KEY": "abc789",
    "S3_SECRET": "abc012",
    "S3_HOST": "files.example",
}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as pairs of an instruction and its arguments."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = [line.split(maxsplit=1) for line in text.replace("\\\n", " ").splitlines() if line]
    return [(name, arguments.strip()) for name, arguments in lines]


def arguments_of(name: str) -> list[str]:
    return [arguments for instruction, arguments in instructions() if instruction == name]


COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
CLUSTER: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.cluster.yaml").read_text())
COPIED = [
    source
    for arguments in arguments_of("COPY")
    if "--from" not in arguments
    for source in arguments.split()[:-1]
]


def test_every_image_that_is_not_built_here_has_a_version() -> None:
    images = [arguments.split()[0] for arguments in arguments_of("FROM")]
    images += [SERVICES[name]["image"] for name in ("mongodb", "nginx")]
    images += [it["image"] for it in CLUSTER["services"].values() if "build" not in it]
    named = [image for image in images if image != "packages"]
    assert len(named) == 8
    assert all(re.fullmatch(r"[a-z/]+:\d+\.\d+[a-z0-9.\-]*", image) for image in named)


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
    image = locked["requirements.txt"]
    for extra in EXTRAS:
        image |= locked[f"requirements-{extra}.txt"]
    assert {name: constraints[name] for name in image} == image
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    named = settings["options"]["install_requires"].split("\n")
    for extra in EXTRAS:
        named += settings["options.extras_require"][extra].split("\n")
    wanted = {re.split(r"[<>=;\[]", line)[0].strip().lower() for line in named if line}
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


def test_the_settings_of_a_cluster_are_those_of_the_engine_celery(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    for name in ("api-1", "api-2", "worker"):
        service = CLUSTER["services"][name]["environment"]
        settings = {key: filled_in(text) for key, text in service.items()}
        config = load_config({**settings, "WORDAI_JOBS_CONFIG": str(tmp_path / "config.toml")})
        assert config.jobs.engine == "celery" and config.storage.url == "s3://wordai"
        assert settings["AWS_ENDPOINT_URL"] == "http://files.example:8333"
    assert CLUSTER["services"]["worker"]["command"][0] == "worker"


def filled_in(text: str) -> str:
    return re.sub(r"\$\{(\w+)[^}]*\}", lambda match: FILLED_IN[match[1]], text)


def test_the_example_of_a_cluster_names_every_variable_without_a_default() -> None:
    needed = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.cluster.yaml").read_text()))
    example = (DEPLOY / "compose.cluster.env.example").read_text()
    named = set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    assert needed <= named == set(FILLED_IN)


def test_every_part_of_a_cluster_is_watched() -> None:
    watched = {name for name, service in CLUSTER["services"].items() if "healthcheck" in service}
    assert set(CLUSTER["services"]) - watched == {"bucket"}, "which ends at once"


def test_nginx_in_a_cluster_has_the_addresses_of_all_servers(tmp_path: Path) -> None:
    site = nginx_site("172.30.88.11:8000 172.30.88.12:8000", tmp_path)
    assert "server 172.30.88.11:8000; server 172.30.88.12:8000;" in site


def test_nginx_in_its_container_has_the_applications_address(tmp_path: Path) -> None:
    text = nginx_site("172.30.87.10:8000", tmp_path)
    assert text.count("server 172.30.87.10:8000;") == 1 and "server 127.0.0.1" not in text
    assert text.count("access_log /dev/stdout wordai;") == 1 and "/var/log" not in text


def nginx_site(upstream: str, target: Path) -> str:
    """What nginx serves in its container; its syntax is correct."""
    files = {"SITE": str(DEPLOY / "nginx.conf"), "TARGET": str(target)}
    env = {**os.environ, **files, "UPSTREAM": upstream}
    program("nginx", "nginx-light")
    command = ["sh", str(DEPLOY / "nginx-in-compose.sh"), "-t"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "syntax is ok" in done.stderr, done.stderr
    return (target / "site.conf").read_text()
