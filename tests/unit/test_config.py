"""Settings: defaults, the file, the environment, and one clear line for a mistake."""

from pathlib import Path

import pytest

from wordai_jobs.config import load_config
from wordai_jobs.errors import StartError

BROKER = "WORDAI_JOBS_JOBS__BROKER"
CELERY = {
    "WORDAI_JOBS_JOBS__ENGINE": "celery",
    BROKER: "redis://broker.example",
    "WORDAI_JOBS_MONGODB__URI": "mongodb://database.example",
    "WORDAI_JOBS_STORAGE__URL": "s3://books",
    "WORDAI_JOBS_SERVER__SECRET_KEY": "the same everywhere",
}

MISTAKES = {
    "unknown key": ({"WORDAI_JOBS_SERVER__PROT": "9000"}, "unknown key server.prot"),
    "unknown section": ({"WORDAI_JOBS_SERVR__PORT": "9000"}, "unknown key servr"),
    "no section": ({"WORDAI_JOBS_PORT": "9000"}, "unknown variable WORDAI_JOBS_PORT"),
    "text for a number": (
        {"WORDAI_JOBS_SERVER__PORT": "many"},
        "server.port: must be a whole number",
    ),
    "truth for a number": (
        {"WORDAI_JOBS_SERVER__PORT": "true"},
        "server.port: must be a whole number",
    ),
    "too large": ({"WORDAI_JOBS_SERVER__PORT": "70000"}, "server.port: must be at most 65535"),
    "too small": ({"WORDAI_JOBS_JOBS__WORKERS": "0"}, "jobs.workers: must be at least 1"),
    "any origin": (
        {"WORDAI_JOBS_CORS__ORIGINS": '["*"]'},
        "cors.origins: '*' is not an origin",
    ),
    "origin with a path": ({"WORDAI_JOBS_CORS__ORIGINS": '["https://a.example/"]'}, "cors.origins"),
    "origin without a list": (
        {"WORDAI_JOBS_CORS__ORIGINS": "https://a.example"},
        "cors.origins: must be a list",
    ),
    "other database": (
        {"WORDAI_JOBS_MONGODB__URI": "postgres://x"},
        "mongodb.uri: must be 'embedded' or start with mongodb://",
    ),
    "dev in public": ({"WORDAI_JOBS_SERVER__HOST": "0.0.0.0"}, "auth.mode dev lets anyone in"),
    "dev under a name that only looks like loopback": (
        {"WORDAI_JOBS_SERVER__HOST": "127.books.example"},
        "auth.mode dev lets anyone in",
    ),
    "firebase without project": (
        {"WORDAI_JOBS_AUTH__MODE": "firebase"},
        "auth.firebase_project_id is needed",
    ),
    "jobs outlast their records": (
        {"WORDAI_JOBS_JOBS__TIMEOUT_S": "86400", "WORDAI_JOBS_JOBS__RETENTION_DAYS": "1"},
        "timeout_s must be at least",
    ),
    "no such secret": (
        {"WORDAI_JOBS_MONGODB__URI__FILE": "/nowhere/uri"},
        "cannot read /nowhere/uri",
    ),
    "celery without a broker": (CELERY | {BROKER: ""}, "jobs.broker is needed"),
    "celery with the embedded database": (
        CELERY | {"WORDAI_JOBS_MONGODB__URI": "embedded"},
        "mongodb.uri must not be embedded",
    ),
    "celery with files": (CELERY | {"WORDAI_JOBS_STORAGE__URL": ""}, "storage.url is needed"),
    "celery without a key": (
        CELERY | {"WORDAI_JOBS_SERVER__SECRET_KEY": ""},
        "server.secret_key is needed",
    ),
    "unknown broker": (CELERY | {BROKER: "kafka://broker"}, "jobs.broker: must start with redis"),
    "unknown store": (
        {"WORDAI_JOBS_STORAGE__URL": "ftp://books"},
        "storage.url: must be empty, or such as s3://bucket/prefix, gs://… or az://…",
    ),
    "unknown engine": (
        {"WORDAI_JOBS_JOBS__ENGINE": "rq"},
        "jobs.engine: must be 'threads' or 'celery'",
    ),
    "no such file": (
        {"WORDAI_JOBS_CONFIG": "/nowhere/settings.toml"},
        "cannot read /nowhere/settings.toml",
    ),
}


def test_without_a_file_the_defaults_of_the_contract_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config({})
    assert (config.server.host, config.server.port, config.auth.mode) == ("127.0.0.1", 8000, "dev")
    assert (config.mongodb.uri, config.storage.data_dir) == ("embedded", "data")
    assert (config.rendering.dpi, config.jobs.retention_days, config.cors.origins) == (150, 7, ())


def test_the_environment_overrides_the_file_and_is_json_or_text(tmp_path: Path) -> None:
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
    assert (config.server.port, config.server.threads) == (9000, 4)
    assert config.storage.data_dir == "there"
    assert config.cors.origins == ("https://wordai.pro",)


def test_a_secret_may_come_from_a_file_and_is_always_text(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("12345678901234567890\n")
    named = {"WORDAI_JOBS_SERVER__SECRET_KEY__FILE": str(tmp_path / "key")}
    unnamed = {"WORDAI_JOBS_CONFIG": str(tmp_path / "config.toml")}
    (tmp_path / "config.toml").touch()
    assert load_config({**named, **unnamed}).server.secret_key == "12345678901234567890"
    # A key that only ends as such a variable does.
    plain = {"WORDAI_JOBS_AUTH__CREDENTIALS_FILE": "account.json"}
    assert load_config({**plain, **unnamed}).auth.credentials_file == "account.json"


def test_machines_that_share_everything_are_a_valid_fleet() -> None:
    assert load_config(CELERY).jobs.engine == "celery"


@pytest.mark.parametrize(("environ", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_in_one_line(environ: dict[str, str], message: str) -> None:
    with pytest.raises(StartError) as stopped:
        load_config(environ)
    assert message in str(stopped.value) and "\n" not in str(stopped.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[server\n", "broken.toml is not valid TOML"),
        ("server = 3\n", "Configuration: server: must be a table"),
    ],
    ids=["no TOML", "a section that is a number"],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(content)
    with pytest.raises(StartError, match=message):
        load_config({"WORDAI_JOBS_CONFIG": str(file)})
