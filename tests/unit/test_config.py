"""Settings: defaults, the file, the environment, and one clear line for what is wrong."""

import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import BaseModel

from wordai_jobs.config import Config, load_config, parse_config
from wordai_jobs.errors import StartError

ROOT = Path(__file__).resolve().parents[2]


def settings() -> dict[str, dict[str, Any]]:
    """Every section of the settings table with its fields."""
    return {
        name: dict(cast(type[BaseModel], section.annotation).model_fields)
        for name, section in Config.model_fields.items()
    }


def test_without_a_file_the_defaults_of_the_contract_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config({})
    assert (config.server.host, config.server.port, config.auth.mode) == ("127.0.0.1", 8000, "dev")
    assert (config.mongodb.uri, config.storage.data_dir) == ("embedded", "data")
    assert (config.rendering.dpi, config.jobs.retention_days, config.cors.origins) == (150, 7, ())


def test_the_example_file_holds_every_setting_with_its_default() -> None:
    example = tomllib.loads((ROOT / "config.example.toml").read_text())
    assert {section: list(keys) for section, keys in example.items()} == {
        section: list(fields) for section, fields in settings().items()
    }
    assert parse_config(example) == Config()


def test_every_key_of_the_example_file_has_a_line_of_why() -> None:
    lines = (ROOT / "config.example.toml").read_text().splitlines()
    for before, line in pairwise(lines):
        if "=" in line and not line.startswith("#"):
            assert before.startswith("#"), f"nothing is said about: {line}"


def test_every_setting_says_what_it_means() -> None:
    for section, fields in settings().items():
        for key, field in fields.items():
            assert field.description, f"{section}.{key}"


def test_the_environment_wins_over_the_file_and_is_read_as_json_where_it_is_json(
    tmp_path: Path,
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[server]\nport = 1000\nthreads = 4\n[storage]\ndata_dir = "here"\n')
    config = load_config(
        {
            "WORDAI_JOBS_CONFIG": str(file),
            "WORDAI_JOBS_SERVER__PORT": "9000",
            "WORDAI_JOBS_STORAGE__DATA_DIR": "there",
            "WORDAI_JOBS_CORS__ORIGINS": '["https://wordai.pro"]',
            "PATH": "ignored",
        }
    )
    assert (config.server.port, config.server.threads, config.storage.data_dir) == (
        9000,
        4,
        "there",
    )
    assert config.cors.origins == ("https://wordai.pro",)


@pytest.mark.parametrize(
    "environ, words",
    [
        ({"WORDAI_JOBS_SERVER__PROT": "9000"}, "unknown key server.prot"),
        ({"WORDAI_JOBS_SERVR__PORT": "9000"}, "unknown key servr"),
        ({"WORDAI_JOBS_PORT": "9000"}, "unknown variable WORDAI_JOBS_PORT"),
        ({"WORDAI_JOBS_SERVER__PORT": "many"}, "server.port"),
        ({"WORDAI_JOBS_SERVER__PORT": "70000"}, "server.port"),
        ({"WORDAI_JOBS_SERVER__PORT": "true"}, "server.port"),
        ({"WORDAI_JOBS_JOBS__WORKERS": "0"}, "jobs.workers"),
        ({"WORDAI_JOBS_CORS__ORIGINS": '["*"]'}, "cors.origins: '*' is not an origin"),
        ({"WORDAI_JOBS_CORS__ORIGINS": '["https://a.example/"]'}, "cors.origins"),
        ({"WORDAI_JOBS_CORS__ORIGINS": "https://a.example"}, "cors.origins"),
        (
            {"WORDAI_JOBS_MONGODB__URI": "postgres://x"},
            "mongodb.uri: must be 'embedded' or start with mongodb://",
        ),
        ({"WORDAI_JOBS_SERVER__HOST": "0.0.0.0"}, "auth.mode dev lets anyone in"),
        ({"WORDAI_JOBS_AUTH__MODE": "firebase"}, "auth.firebase_project_id is needed"),
        (
            {"WORDAI_JOBS_JOBS__TIMEOUT_S": "86400", "WORDAI_JOBS_JOBS__RETENTION_DAYS": "1"},
            "timeout_s must be at least",
        ),
        ({"WORDAI_JOBS_CONFIG": "/nowhere/settings.toml"}, "cannot read /nowhere/settings.toml"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(environ: dict[str, str], words: str) -> None:
    with pytest.raises(StartError) as stopped:
        load_config(environ)
    assert words in str(stopped.value) and "\n" not in str(stopped.value)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text("[server\n")
    with pytest.raises(StartError, match="broken.toml is not valid TOML"):
        load_config({"WORDAI_JOBS_CONFIG": str(file)})
