"""Schemathesis makes requests from the document; all responses must be described in it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.client import Client
from tests.support.pdfs import photo_pdf
from tests.support.server import ServerProcess

pytestmark = pytest.mark.long_file(110)

# The excluded checks demand more than is promised. A schema can neither say which characters a
# title may not contain, nor that an upload is a PDF; and for other methods, `…/chapters/from-pdf`
# is a chapter of that name, as `Allow` says.
EXCLUDED = "positive_data_acceptance,allow_header_conformance"
OPTIONS = [
    "--max-examples",
    "2",
    "--generation-deterministic",
    "--exclude-checks",
    EXCLUDED,
    "--warnings",
    "off",
    "--no-color",
]
TIMEOUT_S = 300
CONFIG = """
headers = {{ Authorization = "{authorization}" }}

[parameters]
"path.book_id" = "{book_id}"
"path.file_id" = "{file_id}"
"path.job_id" = "{job_id}"
"path.chapter_id" = "{chapter_id}"
"path.n" = "1"

[[operations]]
include-name = "DELETE /api/v1/books/{{book_id}}/chapters/{{chapter_id}}"
parameters = {{ "path.chapter_id" = "gone" }}

[[operations]]
include-name = "DELETE /api/v1/books/{{book_id}}"
parameters = {{ "path.book_id" = "gone" }}
"""


def test_generated_requests_of_a_user_with_a_book_break_nothing(
    server: ServerProcess, alice: Client, tmp_path: Path
) -> None:
    file_id = alice.upload(photo_pdf()).json()["file_id"]
    job = alice.end_of(alice.enqueue(file_id).json()["job_id"])
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        CONFIG.format(
            authorization=alice.session.headers["Authorization"],
            book_id=alice.book_id,
            file_id=file_id,
            job_id=job["job_id"],
            chapter_id=job["result"]["chapter_id"],
        )
    )
    check(server, config, "examples,coverage,fuzzing")


def test_generated_requests_of_a_stranger_break_nothing(
    server: ServerProcess, bob: Client, tmp_path: Path
) -> None:
    config = tmp_path / "schemathesis.toml"
    authorization = str(bob.session.headers["Authorization"])
    config.write_text(f'headers = {{ Authorization = "{authorization}" }}\n')
    check(server, config, "fuzzing")


def check(server: ServerProcess, config: Path, phases: str) -> None:
    """Run schemathesis in its own process, because of its plugin and warnings; no finding."""
    program = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [
            str(program),
            "--config-file",
            str(config),
            "run",
            f"{server.url}/openapi.json",
            "--phases",
            phases,
            *OPTIONS,
        ],
        cwd=config.parent,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert re.search(r"Selected: (\d+)/\1\s+Tested: \1\s", done.stdout), done.stdout[-2000:]
