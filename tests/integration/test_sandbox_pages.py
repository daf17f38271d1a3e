"""Pages look the same in the sandbox as without it, and no page needs what it forbids."""

import io
import os
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from PIL import Image

from tests.support.hostile import (
    circular_form_pdf,
    circular_pages_pdf,
    false_count_pdf,
    mutations,
    truncated,
    wide_pdf,
    without_xref,
)
from tests.support.kinds import kinds
from tests.support.pdfs import CATALOGUE, guided_pdf, photo_pdf, raw_pdf, shared_pdfs, text_pdf
from tests.support.tools import missing
from wordai_jobs.config import RenderingSettings
from wordai_jobs.rendering import sandbox
from wordai_jobs.rendering.child_process import ChildProcess
from wordai_jobs.rendering.fork_client import ForkServer
from wordai_jobs.rendering.page_files import opened
from wordai_jobs.rendering.protocol import (
    DescribePdf,
    Failed,
    InspectPdf,
    PageCount,
    PageRendered,
    PdfDescribed,
    RenderOptions,
    RenderPages,
    RenderPlaceholder,
)

pytestmark = pytest.mark.long_file(40)

DAMAGED = int(os.environ.get("SOAK_PDFS", "40")) // 2
MOST_PAGES = 3
OPTIONS = RenderOptions(dpi=100, format="auto", jpeg_quality=85, max_pixels=4_000_000)
PAGE_TIMEOUT_S = 60
WRITTEN = (".part", ".json", ".thumbnail.jpg")

Outcome = list[PageCount | PdfDescribed | PageRendered | Failed | bytes]


@pytest.fixture(scope="module")
def children() -> Iterator[tuple[ChildProcess, ChildProcess]]:
    """A child in the sandbox, and one without."""
    if sandbox.missing():
        missing("a kernel with Landlock and seccomp")
    servers = ForkServer("required"), ForkServer("off")
    confined, free = (ChildProcess("a renderer", RenderingSettings(), server) for server in servers)
    yield confined, free
    for child, server in zip((confined, free), servers, strict=True):
        child.kill()
        server.stop()


def outcome(child: ChildProcess, pdf: bytes, folder: Path) -> Outcome:
    """What a child says of a PDF, and what it writes of the first pages and of a placeholder."""
    folder.mkdir(exist_ok=True)
    path = folder / "a.pdf"
    path.write_bytes(pdf)
    child.start()
    with open(path, "rb") as content:
        child.send(InspectPdf(), [content.fileno()])
        found: Outcome = [child.receive(PageCount, PAGE_TIMEOUT_S)]
        if not isinstance(found[0], PageCount):
            return found
        with tempfile.TemporaryFile() as file:
            child.send(DescribePdf(), [content.fileno(), file.fileno()])
            found.append(child.receive(PdfDescribed, PAGE_TIMEOUT_S))
            file.seek(0)
            found.append(file.read())
        pages = range(1, min(found[0].page_count, MOST_PAGES) + 1)
        requests: list[tuple[int, RenderPages | RenderPlaceholder]] = [
            *((page, RenderPages((page,), OPTIONS)) for page in pages),
            (1, RenderPlaceholder(1, "Bad", True, OPTIONS)),
        ]
        for page, request in requests:
            with opened(folder, [page]) as files:
                child.send(request, [content.fileno(), *files])
            found.append(child.receive(PageRendered, PAGE_TIMEOUT_S))
            if isinstance(found[-1], PageRendered):
                found += [(folder / f"{page:05}{ending}").read_bytes() for ending in WRITTEN]
    return found


def check_same(children: tuple[ChildProcess, ChildProcess], pdf: bytes, folder: Path) -> Outcome:
    confined, free = (outcome(child, pdf, folder) for child in children)
    # One after the other: a difference of long lists would be cut where it begins.
    for number, (one, other) in enumerate(zip(confined, free, strict=True)):
        assert one == other, f"answer or file {number}"
    return confined


@pytest.mark.parametrize("pdf", kinds().values(), ids=kinds())
def test_a_page_of_every_kind_looks_as_without_the_sandbox(
    children: tuple[ChildProcess, ChildProcess],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    pdf: bytes,
) -> None:
    found = check_same(children, pdf, tmp_path)
    assert not [each for each in found if isinstance(each, Failed)], found
    image = found[4]
    assert isinstance(image, bytes)
    darkest, _ = Image.open(io.BytesIO(image)).convert("L").getextrema()
    assert isinstance(darkest, int) and darkest < 200, "something is on the page"
    assert caplog.text == "", "and nothing is missed"


@pytest.mark.needs_shared_pdfs
def test_real_pdfs_look_as_without_the_sandbox(
    children: tuple[ChildProcess, ChildProcess], tmp_path: Path
) -> None:
    for path in shared_pdfs():
        check_same(children, path.read_bytes(), tmp_path)


def test_built_and_damaged_pdfs_need_nothing_that_the_sandbox_forbids(
    children: tuple[ChildProcess, ChildProcess], tmp_path: Path
) -> None:
    built = [
        guided_pdf(5),
        text_pdf(3),
        photo_pdf(),
        wide_pdf(),
        circular_form_pdf(),
        circular_pages_pdf(),
        false_count_pdf(-1),
        truncated(text_pdf(3), 0.5),
        without_xref(text_pdf(3)),
        raw_pdf(CATALOGUE, b"<< /Type /Pages /Kids [] /Count 0 >>"),
    ]
    of_kinds = list(kinds().values())
    for pdf in chain(built, mutations(DAMAGED, 21), mutations(DAMAGED, 22, of_kinds)):
        check_same(children, pdf, tmp_path)
