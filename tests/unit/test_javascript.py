"""The app's modules, tested by node's own test runner."""

import subprocess

from tests.support.server import ROOT
from tests.support.tools import program

TESTS = sorted(str(path) for path in (ROOT / "tests" / "javascript").glob("*.test.mjs"))


def test_the_javascript_modules_pass_their_own_tests() -> None:
    assert TESTS
    run = subprocess.run(
        [program("node", "nodejs"), "--test", *TESTS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
