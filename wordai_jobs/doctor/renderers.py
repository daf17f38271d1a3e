"""A rendering child, started and asked for a page."""

import tempfile
from dataclasses import asdict
from pathlib import Path

from wordai_jobs.app import render_options
from wordai_jobs.config import Config
from wordai_jobs.doctor.finding import Finding, Level
from wordai_jobs.rendering.forks import ForkServer
from wordai_jobs.rendering.options import Failure
from wordai_jobs.rendering.process import ChildEnded, ChildProcess, ChildTimedOut

_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj\ntrailer<</Root 1 0 R>>\n"
)


def renderers(config: Config) -> Finding:
    check, rendering = "renderers", config.rendering
    fork_server = ForkServer()
    child = ChildProcess("a renderer", rendering.memory_limit_mb, fork_server)
    with tempfile.TemporaryDirectory(prefix="wordai-jobs-doctor-") as folder:
        pdf = Path(folder) / "page.pdf"
        pdf.write_bytes(_PDF)
        try:
            child.start()
            child.send(
                {
                    "op": "render",
                    "pdf": str(pdf),
                    "folder": folder,
                    "pages": [1],
                    "options": asdict(render_options(rendering)),
                }
            )
            answer = child.receive(rendering.page_timeout_s)
        except (ChildEnded, ChildTimedOut) as error:
            return Finding(
                check,
                Level.PROBLEM,
                str(error) or "a page took too long",
                "install pymupdf and pillow of the versions asked for, or set rendering.memory_limit_mb higher",
            )
        finally:
            child.kill()
            fork_server.stop()
    if "failure" in answer:
        return Finding(
            check,
            Level.PROBLEM,
            f"a page could not be rendered: {Failure(answer['failure']).words}",
        )
    count, limit_mb = rendering.process_count, rendering.memory_limit_mb
    return Finding(
        check, Level.OK, f"one has rendered a page; {count} will run, with up to {limit_mb} MB each"
    )
