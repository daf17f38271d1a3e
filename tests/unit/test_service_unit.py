"""The systemd unit: accepted by systemd, hardened, and in agreement with the server's settings."""

import re
import subprocess
from pathlib import Path

from tests.support.server import ROOT
from tests.support.tools import program
from wordai_jobs.config import JobsSettings

UNIT = ROOT / "deploy" / "wordai-jobs.service"
PROGRAM = "/opt/wordai-jobs/current/venv/bin/wordai-jobs"
# From the end of the grace to the end of the process: jobs are ended (10 s), the last answers go
# out (5 s), the database stops (10 s), threads end (5 s).
AFTER_THE_GRACE_S = 30
WORST_SCORE = 2.0


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


def test_systemd_accepts_the_unit_without_a_warning(tmp_path: Path) -> None:
    text = UNIT.read_text()
    assert text.count(PROGRAM) == 1
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace(PROGRAM, "/bin/true"))  # systemd wants the program to be there
    assert analyze("verify", str(copy)) == ""


def test_the_unit_is_hardened() -> None:
    answer = analyze("security", "--offline=true", str(UNIT))
    score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", answer)
    assert score and float(score[1]) <= WORST_SCORE, answer


def test_a_stop_lasts_longer_than_the_grace_that_jobs_get() -> None:
    stop_s = re.search(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(), re.MULTILINE)
    assert stop_s and int(stop_s[1]) > JobsSettings().shutdown_grace_s + AFTER_THE_GRACE_S
