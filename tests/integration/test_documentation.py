"""README.md and docs/: the commands and programs work, and the links lead somewhere.

All code blocks of one language on a page are one program, which runs in a folder of its own against
a real server. A block that cannot be run says so in a comment before it (`<!-- not run: needs root
-->`); only its syntax is checked.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

from tests.support import tools
from tests.support.pdfs import text_pdf
from tests.support.server import ROOT, ServerProcess, environment
from wordai_jobs.config import parse_config

pytestmark = pytest.mark.long_file(30)

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ADDRESS = "http://127.0.0.1:8000"
# By this test; another may run it in a place of its own.
NOT_RUN = re.compile(r"<!-- (not run: .+|run by tests/.+\.py) -->")
# The tests have already installed and started the server.
DONE_BY_THE_TEST = re.compile(r"^(make|git clone|cd) .*$|^make$", re.MULTILINE)
RUN = ("bash", "python", "js")
BIN = Path(sys.executable).parent
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```", re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """Code between fences; `line` is the number of its first line, from 1."""

    page: Path
    line: int
    language: str
    code: str
    is_run: bool

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks() -> list[Block]:
    """Every fenced block of every page, in order."""
    return [block for page in PAGES for block in blocks_of(page)]


def pages_with(language: str) -> list[Path]:
    return [page for page in PAGES if run_blocks(page, language)]


def program(page: Path, language: str, changes: dict[str, str]) -> str:
    """All blocks of a language that are run, on the same lines as in the page (for errors)."""
    lines: list[str] = []
    for block in run_blocks(page, language):
        lines += [""] * (block.line - 1 - len(lines)) + block.code.splitlines()
    text = "\n".join(lines) + "\n"
    if language == "bash":
        text = DONE_BY_THE_TEST.sub("", text)
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def run_blocks(page: Path, language: str) -> list[Block]:
    return [block for block in blocks_of(page) if block.language == language and block.is_run]


def named_pdfs(page: Path) -> set[str]:
    """The PDFs that the page's code expects in its folder."""
    code = "".join(block.code for block in blocks_of(page))
    return set(re.findall(r"\b[\w-]+\.pdf\b", code))


@cache
def blocks_of(page: Path) -> list[Block]:
    found, before = [], ""
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "fence":
            assert token.map
            is_run = not NOT_RUN.search(before)
            found.append(Block(page, token.map[0] + 2, token.info, token.content, is_run))
        before = token.content
    return found


@pytest.mark.parametrize("page", pages_with("bash"), ids=lambda page: page.name)
def test_shell_commands_of_a_page_work(page: Path, server: ServerProcess, tmp_path: Path) -> None:
    changes = {ADDRESS: server.url, ".venv/bin/": f"{BIN}/"}
    code = program(page, "bash", changes)
    run([tools.program("bash", "bash"), "-euo", "pipefail"], page, code, tmp_path)


@pytest.mark.parametrize("page", pages_with("python"), ids=lambda page: page.name)
def test_python_of_a_page_works(page: Path, server: ServerProcess, tmp_path: Path) -> None:
    run([sys.executable], page, program(page, "python", {ADDRESS: server.url}), tmp_path)


@pytest.mark.parametrize("page", pages_with("js"), ids=lambda page: page.name)
def test_javascript_of_a_page_works(page: Path, server: ServerProcess, tmp_path: Path) -> None:
    code = program(page, "js", {ADDRESS: server.url})
    run([tools.program("node", "nodejs")], page, code, tmp_path, suffix=".mjs")


def run(command: list[str], page: Path, code: str, folder: Path, suffix: str = "") -> None:
    """Run the code in a folder with the PDFs that the page names; errors show the page's lines."""
    for name in named_pdfs(page):
        (folder / name).write_bytes(text_pdf(400 if name.startswith("long") else 3))
    file = folder / f"{page.stem}{suffix}"
    file.write_text(code)
    done = subprocess.run(
        [*command, str(file)],
        cwd=folder,
        env={**environment({}), "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder)},
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
            command = [tools.program("bash", "bash"), "-n"]
            subprocess.run(command, input=block.code, text=True, timeout=30, check=True)
        case "python":
            compile(block.code, str(block), "exec")
        case "json":
            json.loads(block.code)
        case "yaml":
            yaml.safe_load(block.code)
        case "toml":
            parse_config(tomllib.loads(block.code))
        case "text" | "http" | "nginx" | "js" | "ini":
            pass  # shown, not typed
        case other:
            pytest.fail(f"{block} is in {other!r}, which nothing checks")


def links() -> list[tuple[Path, str]]:
    """The links of every page to places in this repository."""
    texts = {page: _CODE.sub("", page.read_text(encoding="utf-8")) for page in PAGES}
    found = [(page, target) for page, text in texts.items() for target in _LINK.findall(text)]
    elsewhere = ("http://", "https://", "mailto:")
    return [(page, target) for page, target in found if not target.startswith(elsewhere)]


@pytest.mark.parametrize(("page", "target"), links(), ids=lambda it: getattr(it, "name", it))
def test_every_link_leads_somewhere(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    assert file.exists()
    assert not anchor or anchor in anchors(file)


def anchors(page: Path) -> set[str]:
    """The anchors of headings, as GitHub and GitLab make them."""
    headings = _HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_server_writes_the_log_lines_and_start_errors_that_are_explained() -> None:
    source = "".join(path.read_text() for path in sorted((ROOT / "wordai_jobs").rglob("*.py")))
    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    rows = section(text, "What the log says") + section(text, "The server does not start")
    cells = [row.split("|")[1] for row in rows if row.startswith("| `")]
    explained = [line for cell in cells for line in re.findall(r"`([^`]+)`", cell)]
    pieces = [piece.strip() for line in explained for piece in line.split("…")]
    assert len(pieces) > 30
    assert [piece for piece in pieces if piece not in source] == []


def section(text: str, heading: str) -> list[str]:
    """The lines below a heading, up to the next of the same level."""
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].splitlines()
