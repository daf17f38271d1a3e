"""What the doctor says about sign-in."""

import pytest

from tests.support.server import free_port
from wordai_jobs.config import Config, parse_config
from wordai_jobs.doctor import Level
from wordai_jobs.doctor.settings import sign_in


def firebase(host: str) -> Config:
    auth = {"mode": "firebase", "firebase_project_id": "books"}
    return parse_config({"auth": auth, "server": {"host": host}})


def test_an_emulator_is_a_problem_unless_the_server_listens_on_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099")
    public = sign_in(firebase("0.0.0.0"))
    assert public.level is Level.PROBLEM and "FIREBASE_AUTH_EMULATOR_HOST" in public.detail
    assert public.advice.startswith("unset it")
    local = sign_in(firebase("127.0.0.1"))
    assert local.level is Level.WARNING and "anyone can be anyone" in local.detail


def test_certificates_that_cannot_be_fetched_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    found = sign_in(firebase("127.0.0.1"))
    assert found.level is Level.WARNING and "certificates cannot be fetched" in found.detail
