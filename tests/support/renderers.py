"""Renderers that tests drive themselves, and what children may answer if a PDF takes them over."""

from pathlib import Path

import psutil
import pytest

from tests.support.processes import name, named
from tests.support.waiting import wait_until
from wordai_jobs.config import RenderingSettings
from wordai_jobs.rendering import child_process, protocol
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.rendering.protocol import Failed, Failure, PageCount
from wordai_jobs.rendering.task import Part

SETTINGS = RenderingSettings(processes=1, dpi=72, max_pixels=1_000_000)
DAMAGED = protocol.encode(Failed(Failure.BAD_PAGE))
NO_MEMORY = protocol.encode(Failed(Failure.OUT_OF_MEMORY))
NO_ROOM = protocol.encode(Failed(Failure.STORAGE_FULL))
NONSENSE = b"nonsense"
TRUE = None  # the child's own answer
GARBAGE = {
    "an infinite width": b'["PageRendered", {"width": 1e999, "height": 9, "ending": ".png"}]',
    "no width": b'["PageRendered", {"height": 9, "ending": ".png"}]',
    "a width of another type": b'["PageRendered", {"width": {}, "height": 9, "ending": ".png"}]',
    "a path": b'["PageRendered", {"width": 9, "height": 9, "ending": "/../../secret_key"}]',
    "no pages": b'["PageCount", {"page_count": 0}]',
    "a count that is true": b'["PageCount", {"page_count": true}]',
    "a failure of another type": b'["Failed", {"failure": []}]',
    "an unknown failure": b'["Failed", {"failure": "BAD_LUCK"}]',
    "an answer of the fork server": b'["Forked", {"pid": 1}]',
    "endless brackets": b"[" * 60_000,
    "no text": b"\xff",
    "a number": b"17",
}


def own_children(*names: str) -> list[int]:
    """Our child processes with such names, without those of servers that other tests started."""
    mine = [it.pid for it in psutil.Process().children() if name(it.pid) == "fork server"]
    found = [pid for pid in mine if "fork server" in names]
    return found + [pid for server in mine for pid in named(server, *names)]


def rendered(pool: RenderPool, pdf: Path, folder: Path, pages: int = 3) -> int:
    folder.mkdir()
    with pool.rendering(Part(pdf, pages), folder, "fail") as task:
        found = [wait_until(lambda: task.next_page(0.1), what="a page") for _ in range(pages)]
    return len(found)


def answer_first(children: pytest.MonkeyPatch, answers: list[bytes | None]) -> None:
    """The server receives these instead of the children's first answers."""
    left = iter(answers)

    def decode(data: bytes, *kinds: type[PageCount]) -> object:
        return protocol.decode(data if b"Ready" in data else next(left, TRUE) or data, *kinds)

    children.setattr(child_process, "decode", decode)


def take_over(children: pytest.MonkeyPatch, answer: bytes) -> None:
    """Whatever a child answers to a request, the server receives this."""

    def decode(data: bytes, *kinds: type[PageCount]) -> object:
        return protocol.decode(data if b"Ready" in data else answer, *kinds)

    children.setattr(child_process, "decode", decode)
