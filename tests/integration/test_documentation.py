"""What README.md and docs/ tell readers to type works, and what they point to is there."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.documentation import (
    ADDRESS,
    PAGES,
    Block,
    blocks,
    named_pdfs,
    pages_with,
    program,
)
from tests.support.pdfs import text_pdf
from tests.support.server import ROOT, ServerProcess
from tests.support.tools import program as installed
from wordai_jobs.config import parse_config

RUN = ("bash", "python", "js")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


@pytest.mark.parametrize("page", pages_with("bash"), ids=lambda page: page.name)
def test_shell_commands_of_a_page_work(page: Path, server: ServerProcess, tmp_path: Path) -> None:
    code = program(
        page, "bash", {ADDRESS: server.url, ".venv/bin/": f"{Path(sys.executable).parent}/"}
    )
    run([installed("bash", "bash"), "-euo", "pipefail"], page, code, tmp_path)


@pytest.mark.parametrize("page", pages_with("python"), ids=lambda page: page.name)
def test_python_of_a_page_works(page: Path, server: ServerProcess, tmp_path: Path) -> None:
    run([sys.executable], page, program(page, "python", {ADDRESS: server.url}), tmp_path)


@pytest.mark.parametrize("page", pages_with("js"), ids=lambda page: page.name)
def test_javascript_of_a_page_works(page: Path, server: ServerProcess, tmp_path: Path) -> None:
    modules = (ROOT / "wordai_jobs" / "static").as_uri()  # node imports no addresses
    code = program(page, "js", {f"{ADDRESS}/static/": f"{modules}/", ADDRESS: server.url})
    run([installed("node", "nodejs")], page, code, tmp_path, suffix=".mjs")


def run(command: list[str], page: Path, code: str, folder: Path, suffix: str = "") -> None:
    """Run the code in the folder, with the PDFs that the page names; errors show the page's
    lines.
    """
    for name in named_pdfs(page):
        (folder / name).write_bytes(text_pdf(400 if name.startswith("long") else 3))
    file = folder / f"{page.stem}{suffix}"
    file.write_text(code)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WORDAI_")}
    environment = {
        **clean,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
    }
    done = subprocess.run(
        [*command, str(file)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{page.name} failed:\n{done.stdout[-4000:]}"


@pytest.mark.parametrize("block", [block for block in blocks() if not block.is_run], ids=str)
def test_a_block_that_is_not_run_is_well_formed(block: Block) -> None:
    check_syntax(block)


@pytest.mark.parametrize(
    "block", [block for block in blocks() if block.language not in (*RUN, "")], ids=str
)
def test_a_block_of_data_is_well_formed(block: Block) -> None:
    check_syntax(block)


def check_syntax(block: Block) -> None:
    match block.language:
        case "bash":
            subprocess.run(
                [installed("bash", "bash"), "-n"],
                input=block.code,
                text=True,
                timeout=30,
                check=True,
            )
        case "python":
            compile(block.code, str(block), "exec")
        case "json":
            json.loads(block.code)
        case "toml":
            parse_config(tomllib.loads(block.code))
        case "text" | "http" | "nginx" | "js" | "ini":
            pass  # shown, not typed
        case other:
            pytest.fail(f"{block} is in {other!r}, which nothing checks")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in _LINK.findall(
        re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    ):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} points to {target}"
        if anchor:
            assert anchor in anchors(file), f"{page.name} points to {target}"


def anchors(page: Path) -> set[str]:
    """The names of headings, as GitHub and GitLab make them."""
    headings = _HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_log_lines_and_start_errors_that_are_explained_are_ones_the_server_writes() -> None:
    source = "".join(path.read_text() for path in sorted((ROOT / "wordai_jobs").rglob("*.py")))
    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    explained = [
        line.split("|")[1]
        for line in section(text, "What the log says") + section(text, "The server does not start")
        if line.startswith("| `")
    ]
    pieces = [
        piece.strip()
        for cell in explained
        for line in re.findall(r"`([^`]+)`", cell)
        for piece in line.split("…")
    ]
    assert len(pieces) > 30
    for piece in pieces:
        assert piece in source, f"nothing writes {piece!r}"


def section(text: str, heading: str) -> list[str]:
    """The lines below a heading, up to the next of its level."""
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].splitlines()
