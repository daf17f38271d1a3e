"""Checks the renderers and their sandbox: starts one, and has it render a page."""

import tempfile
from pathlib import Path

from wordai_jobs.config import Config
from wordai_jobs.doctor.finding import Finding, Level
from wordai_jobs.rendering import sandbox
from wordai_jobs.rendering.child_process import ChildProcess
from wordai_jobs.rendering.fork_client import ForkServer
from wordai_jobs.rendering.forked_process import ChildEnded
from wordai_jobs.rendering.page_files import opened
from wordai_jobs.rendering.protocol import Failed, PageRendered, RenderPages
from wordai_jobs.rendering.render_thread import render_options

_PDF = (
    b"%PDF-1.4\n"
    b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n"
)


def renderers(config: Config) -> Finding:
    check, settings = "renderers", config.rendering
    fork_server = ForkServer(settings.sandbox)
    child = ChildProcess("a renderer", settings, fork_server)
    with tempfile.TemporaryDirectory(prefix="wordai-jobs-doctor-") as folder:
        pdf = Path(folder) / "page.pdf"
        pdf.write_bytes(_PDF)
        try:
            child.start()
            with open(pdf, "rb") as content, opened(Path(folder), [1]) as files:
                request = RenderPages((1,), render_options(settings))
                child.send(request, [content.fileno(), *files])
            reply = child.receive(PageRendered, settings.page_timeout_s)
        except (ChildEnded, TimeoutError) as error:
            problem = "a page took too long" if isinstance(error, TimeoutError) else str(error)
            advice = (
                "install the required versions of pymupdf and pillow, "
                "raise rendering.memory_limit_mb, or see the sandbox below"
            )
            return Finding(check, Level.PROBLEM, problem, advice)
        finally:
            child.kill()
            fork_server.stop()
    if isinstance(reply, Failed):
        problem = f"a page could not be rendered: {reply.failure.message}"
        return Finding(check, Level.PROBLEM, problem)
    count, limit_mb = settings.process_count, settings.memory_limit_mb
    detail = f"one has rendered a page; {count} will run, with up to {limit_mb} MB each"
    return Finding(check, Level.OK, detail)


def sandbox_of_renderers(config: Config) -> Finding:
    check, mode = "sandbox", config.rendering.sandbox
    detail = sandbox.summary(mode)
    if sandbox.state(mode) == "complete":
        return Finding(check, Level.OK, detail)
    if mode == "off":
        return Finding(check, Level.WARNING, detail, "set it to auto or required")
    advice = (
        "use a kernel with Landlock (5.13 or newer) whose calls, and seccomp, the service manager "
        "or the container does not forbid"
    )
    level = Level.PROBLEM if mode == "required" else Level.WARNING
    return Finding(check, level, detail, advice)
