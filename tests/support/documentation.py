"""The code blocks of README.md and docs/, and programs made of them.

All blocks of a language in a page are one program, run in a folder of its own against a real
server. A block that cannot be run says so to its readers too, in a comment before it: `<!-- not
run: needs root -->`. Its syntax is checked all the same.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.server import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ADDRESS = "http://127.0.0.1:8000"
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\s*$")
_NOT_RUN = re.compile(r"<!-- not run: .+ -->")
# Setting up and starting the server is what the tests have done already.
_DONE_BY_THE_TEST = re.compile(r"^(make|git clone|cd) .*$|^make$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """Code between fences. `line` counts from 1 and is the first one of the code."""

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
    return [
        page
        for page in PAGES
        if any(block.language == language and block.is_run for block in _blocks_of(page))
    ]


def program(page: Path, language: str, changes: dict[str, str]) -> str:
    """All blocks of a language that are run, each on the lines where the page has it, so that
    errors name those.
    """
    lines: list[str] = []
    for block in _blocks_of(page):
        if block.language == language and block.is_run:
            lines += [""] * (block.line - 1 - len(lines)) + block.code.splitlines()
    text = "\n".join(lines) + "\n"
    if language == "bash":
        text = _DONE_BY_THE_TEST.sub("", text)
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def named_pdfs(page: Path) -> set[str]:
    """The PDFs that the page's code takes for being there."""
    return {
        name for block in _blocks_of(page) for name in re.findall(r"\b[\w-]+\.pdf\b", block.code)
    }


def _blocks_of(page: Path) -> Iterator[Block]:
    fence: re.Match[str] | None = None
    start, is_run, code = 0, True, list[str]()
    previous = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        match = _FENCE.match(line)
        if fence is None and match:
            fence, start, is_run, code = match, number + 1, not _NOT_RUN.search(previous), []
        elif fence and match and not match["language"]:
            yield Block(page, start, fence["language"], "\n".join(code), is_run)
            fence = None
        elif fence:
            code.append(line.removeprefix(fence["indent"]))
        elif line.strip():
            previous = line
