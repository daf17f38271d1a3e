"""Tools from outside Python that a machine may lack: the test is skipped, but fails in CI."""

import os
import shutil
from typing import NoReturn

import pytest


def program(name: str, package: str) -> str:
    """The program's path; `package` is the Debian package that has it."""
    return shutil.which(name) or missing(f"{name} (Debian: apt install {package})")


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it if CI is set."""
    reason = f"needs {what}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
