"""A process loads nothing it does not need. `make lint` checks which way imports run."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import ROOT

CLUSTER = {"amqp", "celery", "kombu", "obstore", "redis"}


def output_of(code: str) -> str:
    """What a new Python prints when it runs the code."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def loaded_by(module: str) -> set[str]:
    """The top-level modules that are loaded after an import."""
    names = output_of(f"import sys, {module}; print(*sys.modules)").split()
    return {name.split(".")[0] for name in names}


def test_a_rendering_child_loads_neither_web_nor_database_nor_firebase() -> None:
    loaded = loaded_by("wordai_jobs.rendering.fork_server, wordai_jobs.rendering.warm_up")
    assert "pymupdf" in loaded
    assert not loaded & {
        "firebase_admin",
        "flask",
        "prometheus_client",
        "pydantic",
        "pymongo",
        "requests",
        "waitress",
    }


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What has been loaded, and how many threads and children there are, by what a server has done
    so far: imported `wordai_jobs.server` and `wordai_jobs.app`, and created its application.
    """
    code = f"""
import sys, threading
import wordai_jobs.server

print("server", *sys.modules)
from wordai_jobs.app import create_app
from wordai_jobs.config import parse_config

print("app", *sys.modules)
create_app(parse_config({{"storage": {{"data_dir": {str(tmp_path_factory.mktemp("data"))!r}}}}}))
print("created", *sys.modules)
import psutil

print("running", threading.active_count(), len(psutil.Process().children()))
"""
    lines = (line.split() for line in output_of(code).splitlines())
    return {stage: [word.split(".")[0] for word in words] for stage, *words in lines}


def test_the_server_loads_no_pdf_library_and_in_mode_dev_no_firebase(
    stages: dict[str, list[str]],
) -> None:
    assert "flask" in stages["app"]
    assert not set(stages["app"]) & {"pymupdf", "PIL", "firebase_admin", "secantus"}


def test_the_server_starts_its_processes_before_it_loads_the_rest_of_its_code(
    stages: dict[str, list[str]],
) -> None:
    assert not set(stages["server"]) & {"flask", "pymongo", "waitress"}


def test_one_machine_neither_loads_nor_installs_what_many_machines_need(
    stages: dict[str, list[str]],
) -> None:
    assert not set(stages["created"]) & CLUSTER
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    plain = setup["options"]["install_requires"] + setup["options.extras_require"]["embedded"]
    assert not set(re.findall(r"^[a-z]+", plain.lower(), re.MULTILINE)) & CLUSTER
    assert "obstore" in setup["options.extras_require"]["cluster"]


def test_creating_the_application_starts_no_thread_and_no_process(
    stages: dict[str, list[str]],
) -> None:
    assert stages["running"] == ["1", "0"]


def test_a_users_commands_load_nothing_of_the_server() -> None:
    loaded = loaded_by("wordai_jobs.cli.main")
    assert "click" in loaded
    assert not loaded & {"flask", "pymongo", "pymupdf", "pydantic", "firebase_admin", "waitress"}


def test_without_the_extra_the_start_says_what_to_install(tmp_path: Path) -> None:
    code = f"""
import sys
from wordai_jobs.app import create_app
from wordai_jobs.config import parse_config
from wordai_jobs.errors import StartError

storage = {{"data_dir": {str(tmp_path)!r}, "url": "s3://books"}}
fleet = {{
    "server": {{"secret_key": "key"}},
    "mongodb": {{"uri": "mongodb://127.0.0.1:1"}},
    "jobs": {{"engine": "celery", "broker": "redis://127.0.0.1:1"}},
}}
for package, settings in (("obstore", {{}}), ("celery", fleet), ("redis", fleet)):
    sys.modules[package] = None  # as if it were not installed
    try:
        create_app(parse_config({{"storage": storage, **settings}}))
    except StartError as error:
        print(error)
    del sys.modules[package]
"""
    assert output_of(code).splitlines() == [
        "storage.url needs the package obstore: pip install 'wordai-jobs[cluster]'",
        "jobs.engine celery needs the package celery: pip install 'wordai-jobs[cluster]'",
        "jobs.broker needs a package for redis, which cannot be loaded: "
        "pip install 'wordai-jobs[cluster]'",
    ]
