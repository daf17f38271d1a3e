"""Dockerfile, compose.yaml and what they name, as far as that can be seen without a container
engine.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.support.nginx import syntax_check
from tests.support.server import ROOT, ServerProcess, free_port
from tests.support.tools import program
from wordai_jobs.config import load_config

DEPLOY = ROOT / "deploy"
FILLED_IN = {
    "FIREBASE_PROJECT_ID": "demo-project",
    "MONGODB_PASSWORD": "abc123",
    "CORS_ORIGINS": '["https://app.example"]',
}
# Keys of today's specification that Debian's docker-compose, of 2021, does not know.
TOO_NEW = re.compile(r"^name: .*\n|^ +start_interval: .*\n", re.MULTILINE)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as pairs of instruction and arguments."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace(
        "\\\n", " "
    )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1].strip()) for line in lines]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    return found[max(index for index, (name, _) in enumerate(found) if name == "FROM") :]


def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return parsed


def test_every_image_has_a_version() -> None:
    images = [arguments.split()[0] for name, arguments in instructions() if name == "FROM"]
    images += [
        service["image"] for service in compose()["services"].values() if "build" not in service
    ]
    assert len(images) == 4
    for image in images:
        assert re.fullmatch(r"[a-z]+:\d+\.\d+[a-z0-9.\-]*", image), image


def test_every_copied_file_is_there_and_sent_to_the_engine() -> None:
    allowed = [
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copied = [
        arguments
        for name, arguments in instructions()
        if name == "COPY" and "--from" not in arguments
    ]
    sources = [source for arguments in copied for source in arguments.split()[:-1]]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(
            fnmatch.fnmatch(source, pattern) or source.startswith(f"{pattern}/")
            for pattern in allowed
        ), source


def test_the_container_does_not_run_as_root_and_its_data_folder_is_its_own() -> None:
    stage = last_stage()
    user = [arguments for name, arguments in stage if name == "USER"]
    made = next(arguments for name, arguments in stage if name == "RUN")
    assert user == ["wordai-jobs"] and "useradd" in made
    assert f"install -d -o {user[0]} -g {user[0]} -m 700 /data" in made


def test_no_package_cache_is_left_in_a_layer() -> None:
    installs = [
        arguments
        for name, arguments in instructions()
        if name == "RUN" and "pip install" in arguments
    ]
    assert installs and all("--no-cache-dir" in arguments for arguments in installs)


def test_the_health_check_tells_a_server_from_none(server: ServerProcess) -> None:
    check = next(arguments for name, arguments in last_stage() if name == "HEALTHCHECK")
    command = [sys.executable, *json.loads(check.partition("CMD")[2])[1:]]
    environment = {**os.environ, "WORDAI_JOBS_SERVER__PORT": str(server.port)}
    assert subprocess.run(command, env=environment, timeout=30, check=False).returncode == 0
    environment["WORDAI_JOBS_SERVER__PORT"] = str(free_port())
    assert (
        subprocess.run(
            command, env=environment, timeout=30, capture_output=True, check=False
        ).returncode
        != 0
    )


def test_the_settings_of_image_and_compose_file_are_settings_of_the_server(tmp_path: Path) -> None:
    image = dict(
        pair.split("=", 1)
        for name, arguments in last_stage()
        if name == "ENV"
        for pair in shlex.split(arguments)
    )
    service = {
        name: filled_in(value)
        for name, value in compose()["services"]["app"]["environment"].items()
    }
    environment = {
        name: value
        for name, value in {**image, **service}.items()
        if name.startswith("WORDAI_JOBS_")
    }
    (tmp_path / "config.toml").touch()
    config = load_config({**environment, "WORDAI_JOBS_CONFIG": str(tmp_path / "config.toml")})
    assert (config.server.host, config.auth.mode, config.storage.data_dir) == (
        "0.0.0.0",
        "firebase",
        "/data",
    )
    assert config.mongodb.uri == "mongodb://wordai:abc123@mongodb:27017/?authSource=admin"
    assert config.cors.origins == ("https://app.example",)


def filled_in(text: str) -> str:
    return re.sub(r"\$\{(\w+)[^}]*\}", lambda match: FILLED_IN[match[1]], text)


def test_the_example_names_every_variable_without_a_default() -> None:
    needed = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))
    named = set(re.findall(r"^(\w+)=", (DEPLOY / "compose.env.example").read_text(), re.MULTILINE))
    assert needed <= named == set(FILLED_IN)


def test_services_wait_for_each_other_and_jobs_get_their_grace() -> None:
    services = compose()["services"]
    assert services["nginx"]["depends_on"] == {"app": {"condition": "service_healthy"}}
    assert services["app"]["depends_on"] == {"mongodb": {"condition": "service_healthy"}}
    assert all("healthcheck" in service for service in services.values())
    assert int(services["app"]["stop_grace_period"].removesuffix("s")) >= 60


def test_every_mounted_file_is_there() -> None:
    mounted = [
        mount.split(":")
        for service in compose()["services"].values()
        for mount in service["volumes"]
    ]
    for source, *_ in mounted:
        assert (
            (DEPLOY / source).is_file()
            if source.startswith(".")
            else source in compose()["volumes"]
        ), source


def test_the_client_accepts_the_compose_file(tmp_path: Path) -> None:
    """`docker compose` where it is installed, else Debian's older docker-compose."""
    path, command = DEPLOY / "compose.yaml", ["docker", "compose"]
    if (
        not shutil.which("docker")
        or subprocess.run([*command, "version"], capture_output=True, check=False).returncode
    ):
        command = [program("docker-compose", "docker-compose")]
        path = tmp_path / "deploy" / "compose.yaml"
        path.parent.mkdir()
        path.write_text(TOO_NEW.sub("", (DEPLOY / "compose.yaml").read_text()))
    (tmp_path / "filled-in").write_text(
        "".join(f"{name}={value}\n" for name, value in FILLED_IN.items())
    )
    done = subprocess.run(
        [*command, "--env-file", str(tmp_path / "filled-in"), "-f", str(path), "config", "--quiet"],
        cwd=path.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_nginx_in_its_container_has_the_applications_address(tmp_path: Path) -> None:
    target = tmp_path / "default.conf"
    environment = {
        **os.environ,
        "UPSTREAM": "172.30.87.10:8000",
        "SITE": str(DEPLOY / "nginx.conf"),
        "TARGET": str(target),
    }
    subprocess.run([str(DEPLOY / "nginx-in-compose.sh")], env=environment, check=True, timeout=30)
    text = target.read_text()
    assert text.count("server 172.30.87.10:8000;") == 1 and "server 127.0.0.1" not in text
    assert text.count("access_log /dev/stdout wordai;") == 1 and "/var/log" not in text
    assert "syntax is ok" in syntax_check(tmp_path / "nginx", text)
