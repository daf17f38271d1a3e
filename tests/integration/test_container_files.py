"""Dockerfile, compose.yaml and the files they name, checked without a container engine."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.nginx import syntax_check
from tests.support.server import ROOT, ServerProcess, environment, free_port
from tests.support.tools import program
from wordai_jobs.config import load_config

DEPLOY = ROOT / "deploy"
FILLED_IN = {
    "FIREBASE_PROJECT_ID": "demo-project",
    "MONGODB_PASSWORD": "abc123",
    "CORS_ORIGINS": '["https://app.example"]',
}
FILLED_IN_CLUSTER = FILLED_IN | {
    "SECRET_KEY": "abc456",
    "S3_KEY": "abc789",
    "S3_SECRET": "abc012",
    "S3_HOST": "files.example",
}
COMPOSE_FILES = pytest.mark.parametrize(
    ("name", "variables"),
    [("compose", FILLED_IN), ("compose.cluster", FILLED_IN_CLUSTER)],
    ids=["one machine", "cluster"],
)
# Debian's docker-compose, of 2021, does not know these keys.
TOO_NEW = re.compile(r"^name: .*\n|^ +start_interval: .*\n", re.MULTILINE)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as pairs of an instruction and its arguments."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = [line.split(maxsplit=1) for line in text.replace("\\\n", " ").splitlines() if line]
    return [(name, arguments.strip()) for name, arguments in lines]


def arguments_of(name: str, stage: list[tuple[str, str]]) -> list[str]:
    return [arguments for instruction, arguments in stage if instruction == name]


DOCKERFILE = instructions()
LAST_STAGE = DOCKERFILE[max(i for i, (name, _) in enumerate(DOCKERFILE) if name == "FROM") :]
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
CLUSTER: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.cluster.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
IMAGES = {
    *(arguments.split()[0] for arguments in arguments_of("FROM", DOCKERFILE)),
    *(
        service["image"]
        for file in (COMPOSE, CLUSTER)
        for service in file["services"].values()
        if "build" not in service
    ),
}
COPIED = [
    source
    for arguments in arguments_of("COPY", DOCKERFILE)
    if "--from" not in arguments
    for source in arguments.split()[:-1]
]


@pytest.mark.parametrize("image", sorted(IMAGES))
def test_every_image_has_a_version(image: str) -> None:
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+[a-z0-9.\-]*", image)
    assert len(IMAGES) == 5


@pytest.mark.parametrize("source", COPIED)
def test_every_copied_file_is_there_and_sent_to_the_engine(source: str) -> None:
    assert (ROOT / source).exists()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [line[1:] for line in ignored if line.startswith("!")]
    assert any(fnmatch(source, it) or source.startswith(f"{it}/") for it in allowed)


def test_the_container_does_not_run_as_root_and_its_data_folder_is_its_own() -> None:
    [user] = arguments_of("USER", LAST_STAGE)
    made = arguments_of("RUN", LAST_STAGE)[0]
    assert user == "wordai-jobs" and "useradd" in made
    assert f"install -d -o {user} -g {user} -m 700 /data" in made


def test_no_package_cache_is_left_in_a_layer() -> None:
    installs = [it for it in arguments_of("RUN", DOCKERFILE) if "pip install" in it]
    assert installs and all("--no-cache-dir" in arguments for arguments in installs)


def test_the_health_check_fails_without_a_server(server: ServerProcess) -> None:
    def health_check(port: int) -> int:
        [check] = arguments_of("HEALTHCHECK", LAST_STAGE)
        command = [sys.executable, *json.loads(check.partition("CMD")[2])[1:]]
        env = environment({"server.port": port})
        return subprocess.run(command, env=env, timeout=30, stderr=subprocess.DEVNULL).returncode

    assert health_check(server.port) == 0
    assert health_check(free_port()) != 0


def test_the_settings_of_image_and_compose_file_are_settings_of_the_server(tmp_path: Path) -> None:
    assignments = shlex.split(" ".join(arguments_of("ENV", LAST_STAGE)))
    image = dict(assignment.split("=", 1) for assignment in assignments)
    service = {name: filled_in(value) for name, value in SERVICES["app"]["environment"].items()}
    (tmp_path / "config.toml").touch()
    config = load_config({**image, **service, "WORDAI_JOBS_CONFIG": str(tmp_path / "config.toml")})
    assert (config.server.host, config.auth.mode) == ("0.0.0.0", "firebase")
    assert config.storage.data_dir == "/data"
    assert config.mongodb.uri == "mongodb://wordai:abc123@mongodb:27017/?authSource=admin"
    assert config.cors.origins == ("https://app.example",)


def test_the_settings_of_a_cluster_are_those_of_the_engine_celery(tmp_path: Path) -> None:
    assignments = shlex.split(" ".join(arguments_of("ENV", LAST_STAGE)))
    image = dict(assignment.split("=", 1) for assignment in assignments)
    (tmp_path / "config.toml").touch()
    for name in ("api-1", "api-2", "worker"):
        service = CLUSTER["services"][name]["environment"]
        settings = {name: filled_in(text) for name, text in service.items()}
        config = load_config(
            {**image, **settings, "WORDAI_JOBS_CONFIG": str(tmp_path / "config.toml")}
        )
        assert config.jobs.engine == "celery" and config.storage.url == "s3://wordai"
        assert settings["AWS_ENDPOINT_URL"] == "http://files.example:8333"
    assert CLUSTER["services"]["worker"]["command"][0] == "worker"


def filled_in(text: str) -> str:
    return re.sub(r"\$\{(\w+)[^}]*\}", lambda match: FILLED_IN_CLUSTER[match[1]], text)


@COMPOSE_FILES
def test_the_example_names_every_variable_without_a_default(
    name: str, variables: dict[str, str]
) -> None:
    needed = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / f"{name}.yaml").read_text()))
    example = (DEPLOY / f"{name}.env.example").read_text()
    named = set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    assert needed <= named == set(variables)


def test_services_wait_for_each_other_and_jobs_get_their_grace() -> None:
    assert SERVICES["nginx"]["depends_on"] == {"app": {"condition": "service_healthy"}}
    assert SERVICES["app"]["depends_on"] == {"mongodb": {"condition": "service_healthy"}}
    assert all("healthcheck" in service for service in SERVICES.values())
    assert int(SERVICES["app"]["stop_grace_period"].removesuffix("s")) >= 60


def test_every_part_of_a_cluster_is_watched() -> None:
    assert all("healthcheck" in service for service in CLUSTER["services"].values())


@pytest.mark.parametrize("file", [COMPOSE, CLUSTER], ids=["one machine", "cluster"])
def test_every_mounted_file_is_there(file: dict[str, Any]) -> None:
    mounts = [
        mount for service in file["services"].values() for mount in service.get("volumes", [])
    ]
    sources = {mount.split(":")[0] for mount in mounts if ":" in mount}
    files = {source for source in sources if source.startswith(".")}
    assert [file for file in files if not (DEPLOY / file).is_file()] == []
    assert sources - files == set(file["volumes"])


@COMPOSE_FILES
def test_the_client_accepts_the_compose_file(
    name: str, variables: dict[str, str], tmp_path: Path
) -> None:
    """`docker compose` if it is installed, else Debian's older docker-compose."""
    path, command = DEPLOY / f"{name}.yaml", ["docker", "compose"]
    has_docker = shutil.which("docker")
    if not has_docker or subprocess.run([*command, "version"], capture_output=True).returncode:
        command = [program("docker-compose", "docker-compose")]
        path = tmp_path / "deploy" / f"{name}.yaml"
        path.parent.mkdir()
        path.write_text(TOO_NEW.sub("", (DEPLOY / f"{name}.yaml").read_text()))
    file = tmp_path / "filled-in"
    file.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    command += ["--env-file", str(file), "-f", str(path), "config", "--quiet"]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_nginx_in_its_container_has_the_applications_address(tmp_path: Path) -> None:
    target = tmp_path / "default.conf"
    files = {"SITE": str(DEPLOY / "nginx.conf"), "TARGET": str(target)}
    env = {**os.environ, **files, "UPSTREAM": "172.30.87.10:8000"}
    subprocess.run([DEPLOY / "nginx-in-compose.sh"], env=env, check=True, timeout=30)
    text = target.read_text()
    assert text.count("server 172.30.87.10:8000;") == 1 and "server 127.0.0.1" not in text
    assert text.count("access_log /dev/stdout wordai;") == 1 and "/var/log" not in text
    assert "syntax is ok" in syntax_check(tmp_path / "nginx", text)


def test_nginx_in_a_cluster_has_the_addresses_of_all_servers(tmp_path: Path) -> None:
    target = tmp_path / "default.conf"
    files = {"SITE": str(DEPLOY / "nginx.conf"), "TARGET": str(target)}
    env = {**os.environ, **files, "UPSTREAM": "172.30.88.11:8000 172.30.88.12:8000"}
    subprocess.run([DEPLOY / "nginx-in-compose.sh"], env=env, check=True, timeout=30)
    text = target.read_text()
    assert "server 172.30.88.11:8000; server 172.30.88.12:8000;" in text
    assert "syntax is ok" in syntax_check(tmp_path / "nginx", text)
