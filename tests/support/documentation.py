"""The code blocks of README.md and docs/, and programs made from them.

All blocks of one language on a page are one program, which runs in a folder of its own against a
real server. A block that cannot be run says so in a comment before it (`<!-- not run: needs root
-->`); only its syntax is checked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from tests.support.server import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ADDRESS = "http://127.0.0.1:8000"
_NOT_RUN = re.compile(r"<!-- not run: .+ -->")
# The tests have already installed and started the server.
_DONE_BY_THE_TEST = re.compile(r"^(make|git clone|cd) .*$|^make$", re.MULTILINE)


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
    return [block for page in PAGES for block in _blocks_of(page)]


def pages_with(language: str) -> list[Path]:
    return [page for page in PAGES if _run_blocks(page, language)]


def program(page: Path, language: str, changes: dict[str, str]) -> str:
    """All blocks of a language that are run, on the same lines as in the page (for errors)."""
    lines: list[str] = []
    for block in _run_blocks(page, language):
        lines += [""] * (block.line - 1 - len(lines)) + block.code.splitlines()
    text = "\n".join(lines) + "\n"
    if language == "bash":
        text = _DONE_BY_THE_TEST.sub("", text)
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def _run_blocks(page: Path, language: str) -> list[Block]:
    return [block for block in _blocks_of(page) if block.language == language and block.is_run]


def named_pdfs(page: Path) -> set[str]:
    """The PDFs that the page's code expects in its folder."""
    code = "".join(block.code for block in _blocks_of(page))
    return set(re.findall(r"\b[\w-]+\.pdf\b", code))


def _blocks_of(page: Path) -> Iterator[Block]:
    before = ""
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "fence":
            assert token.map
            is_run = not _NOT_RUN.search(before)
            yield Block(page, token.map[0] + 2, token.info, token.content, is_run)
        before = token.content
