"""Programs from outside Python that a test needs."""

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """Where the program is. Without it the test is skipped with a reason, or, in CI, fails: a skip would go unnoticed."""
    found = shutil.which(name)
    if found:
        return found
    reason = f"needs {name} (Debian: apt install {package})"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
