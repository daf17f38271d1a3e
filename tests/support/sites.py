"""A web site on an origin of its own."""

import functools
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from tests.support.listener import Listener


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """The output of a test is about the service."""


class Site(Listener):
    """The files of a folder; http://localhost:PORT is another origin than any http://127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        super().__init__(functools.partial(_Quiet, directory=str(folder)))
        self.origin = f"http://localhost:{self.port}"
