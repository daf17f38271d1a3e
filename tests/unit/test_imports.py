"""A process loads nothing it does not need. `make lint` checks which way imports run."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

from tests.support.server import ROOT

CLUSTER = {"amqp", "celery", "kombu", "obstore", "redis"}


def printed_by(code: str) -> list[str]:
    """The words that a new Python prints when it runs the code."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def loaded_by(module: str) -> set[str]:
    """The top-level modules that are loaded after an import."""
    return {name.split(".")[0] for name in printed_by(f"import sys, {module}; print(*sys.modules)")}


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


def test_the_server_loads_no_pdf_library_and_in_mode_dev_no_firebase() -> None:
    loaded = loaded_by("wordai_jobs.server, wordai_jobs.app")
    assert "flask" in loaded
    assert not loaded & {"pymupdf", "PIL", "firebase_admin", "secantus"}


def test_the_server_starts_its_processes_before_it_loads_the_rest_of_its_code() -> None:
    assert not loaded_by("wordai_jobs.server") & {"flask", "pymongo", "waitress"}


def test_one_machine_neither_loads_nor_installs_what_many_machines_need(tmp_path: Path) -> None:
    code = f"""
import sys
from wordai_jobs.app import create_app
from wordai_jobs.config import parse_config

create_app(parse_config({{"storage": {{"data_dir": {str(tmp_path)!r}}}}}))
print(*{{name.split(".")[0] for name in sys.modules}})
"""
    assert not set(printed_by(code)) & CLUSTER
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    plain = setup["options"]["install_requires"] + setup["options.extras_require"]["embedded"]
    assert not set(re.findall(r"^[a-z]+", plain.lower(), re.MULTILINE)) & CLUSTER
    assert "obstore" in setup["options.extras_require"]["cluster"]


def test_a_users_commands_load_nothing_of_the_server() -> None:
    loaded = loaded_by("wordai_jobs.cli.main")
    assert "click" in loaded
    assert not loaded & {"flask", "pymongo", "pymupdf", "pydantic", "firebase_admin", "waitress"}


def test_without_the_extra_the_start_says_what_to_install(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["obstore"] = None  # as if it were not installed
from wordai_jobs.app import create_app
from wordai_jobs.config import parse_config
from wordai_jobs.errors import StartError

try:
    create_app(parse_config({{"storage": {{"data_dir": {str(tmp_path)!r}, "url": "s3://b"}}}}))
except StartError as error:
    print(error)
"""
    said = " ".join(printed_by(code))
    assert said == "storage.url needs the package obstore: pip install 'wordai-jobs[cluster]'"


def test_creating_the_application_starts_no_thread_and_no_process(tmp_path: Path) -> None:
    code = f"""
import threading, psutil
from wordai_jobs.app import create_app
from wordai_jobs.config import parse_config

create_app(parse_config({{"storage": {{"data_dir": {str(tmp_path)!r}}}}}))
print(threading.active_count(), len(psutil.Process().children()))
"""
    assert printed_by(code) == ["1", "0"]


def test_without_the_extra_a_fleet_is_refused_in_one_line(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["celery"] = None
from wordai_jobs.app import create_app
from wordai_jobs.config import parse_config
from wordai_jobs.errors import StartError

config = parse_config({{
    "server": {{"secret_key": "key"}},
    "mongodb": {{"uri": "mongodb://127.0.0.1:1"}},
    "jobs": {{"engine": "celery", "broker": "redis://127.0.0.1:1"}},
    "storage": {{"url": "s3://books", "data_dir": {str(tmp_path)!r}}},
}})
try:
    create_app(config)
except StartError as error:
    print(error)
"""
    assert " ".join(printed_by(code)) == (
        "jobs.engine celery needs the package celery: pip install 'wordai-jobs[cluster]'"
    )
