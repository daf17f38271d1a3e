"""The systemd unit: systemd accepts it, it is hardened, and it fits the server's time limits."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.server import ROOT
from tests.support.tools import program
from wordai_jobs import http_server
from wordai_jobs.config import JobsSettings
from wordai_jobs.database import embedded
from wordai_jobs.jobs import housekeeping
from wordai_jobs.jobs.threads import engine
from wordai_jobs.rendering import fork_server_process, inspector, pool

UNIT = ROOT / "deploy" / "wordai-jobs.service"
WORKER_UNIT = ROOT / "deploy" / "wordai-jobs-worker@.service"
UNITS = pytest.mark.parametrize("unit", [UNIT, WORKER_UNIT], ids=["server", "worker"])
PROGRAM = "/opt/wordai-jobs/current/venv/bin/wordai-jobs"
WORST_SCORE = 2.0
# The longest stop: one step after the other, each until its time limit.
STOP_S = {
    "grace of running jobs": JobsSettings().shutdown_grace_s,
    "failing the jobs that are left": engine._ABORT_TIMEOUT_S,
    "last responses": http_server._LAST_RESPONSES_S,
    "chores": 2 * housekeeping._STOP_TIMEOUT_S,
    "inspector": inspector.INSPECT_TIMEOUT_S + 1,
    "renderers": pool._STOP_TIMEOUT_S,
    "fork server": fork_server_process._STOP_TIMEOUT_S,
    "embedded database": 2 * embedded._STOP_TIMEOUT_S,
}


def analyze(*arguments: str) -> str:
    done = subprocess.run(
        [program("systemd-analyze", "systemd"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@UNITS
def test_systemd_accepts_the_unit_without_a_warning(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text()
    assert text.count(PROGRAM) == 1
    copy = tmp_path / unit.name
    copy.write_text(text.replace(PROGRAM, "/bin/true"))  # systemd checks that the program exists
    assert analyze("verify", str(copy)) == ""


@UNITS
def test_the_unit_is_hardened(unit: Path) -> None:
    answer = analyze("security", "--offline=true", str(unit))
    score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", answer)
    assert score and float(score[1]) <= WORST_SCORE, answer


def test_the_unit_allows_the_calls_of_the_sandbox() -> None:
    lines = re.findall(r"^SystemCallFilter=([^~].*)$", UNIT.read_text(), re.MULTILINE)
    allowed = " ".join(lines).split()
    assert {"landlock_create_ruleset", "landlock_restrict_self", "seccomp"} <= set(allowed)


def test_systemd_waits_longer_than_the_longest_stop_takes() -> None:
    stop_s = re.search(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(), re.MULTILINE)
    assert stop_s and int(stop_s[1]) > sum(STOP_S.values()), STOP_S
