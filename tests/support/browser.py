"""Chromium, driven by Playwright; and the tools that some tests need and a machine may lack."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

# Containers have neither the kernel features of its sandbox nor a graphics card; a test talks to this machine only.
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic",
]


def require(tool: str) -> str:
    """The path of a program; without it the test is skipped, and fails where CI is set: there, nothing may go unnoticed."""
    path = shutil.which(tool)
    if path:
        return path
    reason = f"needs {tool}, which is not installed"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window; skips the test, or in CI fails it, where there is no Chromium."""
    path = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()
