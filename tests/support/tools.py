"""What a test needs from outside Python and a machine may lack: skipped with the reason, but in CI
a failure nobody misses.
"""

import os
import shutil
from typing import NoReturn

import pytest


def program(name: str, package: str) -> str:
    """Where the program is; `package` is Debian's that has it."""
    return shutil.which(name) or missing(f"{name} (Debian: apt install {package})")


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it where CI is set."""
    reason = f"needs {what}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
