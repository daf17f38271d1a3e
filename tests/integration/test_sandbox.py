"""A PDF that takes over its renderer can do nothing but harm itself."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.conftest import StartServer
from tests.support.client import Client
from tests.support.intruder import FATAL, REFUSED
from tests.support.leftovers import staged
from tests.support.pdfs import hanging_pdf, photo_pdf, text_pdf
from tests.support.processes import busy_renderer, fork_server, is_alive, kill
from tests.support.renderers import SETTINGS
from tests.support.server import ServerProcess
from tests.support.tools import missing, program
from tests.support.waiting import wait_until
from wordai_jobs.backend import Backend
from wordai_jobs.config import parse_config
from wordai_jobs.doctor.finding import Level
from wordai_jobs.doctor.renderers import sandbox_of_renderers
from wordai_jobs.errors import InvalidPdf, StartError
from wordai_jobs.rendering import fork_server_process, sandbox
from wordai_jobs.rendering.fork_client import ForkServer
from wordai_jobs.rendering.inspector import Inspector
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.rendering.task import Part, RenderingError

pytestmark = pytest.mark.long_file(60)

# So much has a renderer worked on a page that takes hours when it is attacked.
WORK_S = 0.05


@pytest.fixture(autouse=True)
def kernel() -> None:
    if sandbox.missing():
        missing("a kernel with Landlock and seccomp")


@contextmanager
def intruded_pool(mode: sandbox.Mode) -> Iterator[tuple[ForkServer, RenderPool]]:
    """Renderers that do what PDFs tell them (see `tests.support.intruder`)."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fork_server_process, "_PROGRAM", "tests.support.intruder")
        fork_server = ForkServer(mode)
        pool = RenderPool(SETTINGS, fork_server)
        pool.start()
        yield fork_server, pool
        pool.stop()
        fork_server.stop()


@pytest.fixture(scope="module", params=["required", "auto"], ids=["complete", "no Landlock"])
def intruded(request: pytest.FixtureRequest) -> Iterator[tuple[ForkServer, RenderPool]]:
    with intruded_pool(request.param) as running:
        yield running


@pytest.fixture
def pool(intruded: tuple[ForkServer, RenderPool]) -> RenderPool:
    return intruded[1]


def intruding(order: str) -> bytes:
    return text_pdf(2) + f"%intrude {order}\n".encode()


def error_of(pool: RenderPool, pdf: bytes, folder: Path) -> str | None:
    """How a book of two pages ends; None if it is rendered."""
    folder.mkdir()
    path = folder / "a.pdf"
    path.write_bytes(pdf)
    try:
        with pool.rendering(Part(path, 2), folder, "fail") as task:
            for _ in range(2):
                wait_until(lambda: task.next_page(0.1), what="a page, or the end of the book")
    except RenderingError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", FATAL)
def test_a_forbidden_call_ends_its_renderer_alone_and_is_named_in_the_log(
    pool: RenderPool, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    error = error_of(pool, intruding(name), tmp_path / "bad")
    assert error == "Page 1 crashed the renderer"
    assert f"renderer 1 called {name}" in caplog.text
    assert error_of(pool, text_pdf(2), tmp_path / "good") is None


@pytest.mark.parametrize("name", REFUSED)
def test_no_file_can_be_reached_and_the_renderer_goes_on(
    pool: RenderPool, tmp_path: Path, name: str
) -> None:
    others = tmp_path / "another user's.pdf"
    others.write_bytes(text_pdf(1))
    for path in (others, tmp_path / "new", Path("/etc/passwd"), tmp_path, Path("/proc/self/maps")):
        error = error_of(pool, intruding(f"{name} {path}"), tmp_path / f"bad {path.name}")
        assert error == "Page 1 is damaged and cannot be rendered", path
    assert others.read_bytes() == text_pdf(1) and not (tmp_path / "new").exists()
    assert error_of(pool, text_pdf(2), tmp_path / "good") is None


def test_landlock_alone_keeps_files_away_too(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("secret")
    with intruded_pool("off") as (_, pool):
        for order in (f"read {tmp_path}/secret_key", f"write {tmp_path}/new", f"list {tmp_path}"):
            error = error_of(pool, intruding(order), tmp_path / order.split()[0])
            assert error == "Page 1 is damaged and cannot be rendered", order


def test_words_that_would_fill_the_servers_memory_fail_their_book(
    pool: RenderPool, tmp_path: Path
) -> None:
    error = error_of(pool, intruding("fill 2 20_000_000"), tmp_path / "bad")
    assert error == "Page 1 crashed the renderer"


def test_an_image_that_is_larger_than_any_page_ends_its_renderer(
    pool: RenderPool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    error = error_of(pool, intruding("fill 1 30_000_000"), tmp_path / "bad")
    assert error == "Page 1 crashed the renderer"
    assert "renderer 1 was ended by SIGXFSZ on page 1" in caplog.text
    assert (tmp_path / "bad" / "00001.part").stat().st_size < 21_000_000
    assert error_of(pool, text_pdf(2), tmp_path / "good") is None


def test_an_upload_that_takes_over_its_inspector_is_refused_and_the_next_is_not(
    intruded: tuple[ForkServer, RenderPool], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = tmp_path / "bad.pdf", tmp_path / "good.pdf"
    bad.write_bytes(intruding("socket"))
    good.write_bytes(text_pdf(2))
    inspector = Inspector(SETTINGS, intruded[0])
    inspector.start()
    try:
        with pytest.raises(InvalidPdf, match="damaged"):
            inspector.inspect(bad)
        assert "inspector called socket" in caplog.text
        assert inspector.inspect(good).page_count == 2
    finally:
        inspector.stop()


# With a debugger, which evaluates these in the renderer.
REFUSED_CALLS = (
    '(long)open("{data}/uploads/{other}.pdf", 0)',
    '(long)open("{data}/secret_key", 0)',
    '(long)open("/etc/passwd", 0)',
    '(long)open("{data}/chapters/new", 0101, 0600)',
)
FATAL_CALLS = {
    "socket": "(long)socket(2, 1, 0)",
    "execve": '(long)execve("/bin/true", 0, 0)',
    "fork": "(long)fork()",
    "kill of its parent": "(long)kill({parent}, 9)",
    "ptrace": "(long)ptrace(16, {parent}, 0, 0)",
    "process_vm_readv": "(long)process_vm_readv({parent}, 0, 0, 0, 0, 0)",
    "mount": '(long)mount("none", "/tmp", "tmpfs", 0, 0)',
    "io_uring_setup": "(long)syscall(425, 4, 0)",
}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    settings = {"rendering.processes": 1, "rendering.dpi": 72, "rendering.page_timeout_s": 120}
    server = ServerProcess(tmp_path_factory.mktemp("attacked"), settings)
    server.start().wait_until_ready()
    yield server
    assert server.stop() == 0


def evaluated(pid: int, *calls: str) -> list[str]:
    """What the debugger prints that the calls returned; nothing once the renderer has ended."""
    # Reading the symbols of all libraries would take a second.
    command = [program("gdb", "gdb"), "-batch", "-nx", "-iex", "set auto-solib-add off"]
    command += ["-p", str(pid)]
    for call in ("sharedlibrary libc[.]", *(f"print {call}" for call in calls)):
        command += ["-ex", call]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return re.findall(r"^\$\d+ = (-?\d+)$", done.stdout, re.MULTILINE)


def test_a_debugger_in_a_busy_renderer_opens_no_file(attacked: ServerProcess) -> None:
    alice, bob = Client(attacked.url, "alice"), Client(attacked.url, "bob")
    other = alice.upload(photo_pdf()).json()["file_id"]
    job_id = bob.submit(hanging_pdf())
    renderer = busy_renderer(attacked.pid, WORK_S)
    calls = (call.format(data=attacked.data, other=other) for call in REFUSED_CALLS)
    assert evaluated(renderer, *calls) == ["-1"] * len(REFUSED_CALLS)
    assert is_alive(renderer)
    bob.post(f"/api/v1/books/jobs/{job_id}/cancel")
    check_goes_on(attacked, bob, job_id, "Cancelled by user")


@pytest.mark.parametrize("call", FATAL_CALLS.values(), ids=FATAL_CALLS)
def test_a_debugger_in_a_busy_renderer_ends_it_with_a_forbidden_call(
    attacked: ServerProcess, call: str
) -> None:
    bob = Client(attacked.url, "bob")
    job_id = bob.submit(hanging_pdf())
    renderer = busy_renderer(attacked.pid, WORK_S)
    assert evaluated(renderer, call.format(parent=fork_server(attacked)[0])) == []
    wait_until(lambda: not is_alive(renderer), what="its end")
    kill(busy_renderer(attacked.pid, WORK_S))
    check_goes_on(attacked, bob, job_id, "Page 1 crashed the renderer")


def check_goes_on(server: ServerProcess, user: Client, job_id: str, error: str) -> None:
    """The job ends with this error and leaves nothing, and the next one is rendered."""
    [parent] = fork_server(server)
    assert user.end_of(job_id)["error"] == error
    assert staged(server.data) == [] and fork_server(server) == [parent]
    assert user.end_of(user.submit(text_pdf(2)))["status"] == "completed"


def test_a_server_says_in_one_line_what_its_sandbox_is(start_server: StartServer) -> None:
    lines = {
        "auto": "page renderers run in their sandbox: Landlock",
        "required": "page renderers run in their sandbox: Landlock",
        "off": "page renderers run without their sandbox (rendering.sandbox is off)",
    }
    for mode, line in lines.items():
        server = start_server({"rendering.sandbox": mode}).wait_until_ready()
        assert server.log.count(line) == 1
        ready = requests.get(f"{server.url}/health/ready", timeout=10).json()
        assert ready["sandbox"] == ("off" if mode == "off" else "complete")
        server.kill()


@pytest.mark.parametrize(
    ("lacking", "text"),
    [(["Landlock"], "no Landlock"), (["Landlock", "seccomp"], "no Landlock and no seccomp")],
    ids=["one part", "all"],
)
def test_a_kernel_without_a_part_is_named_and_refused_if_the_sandbox_is_required(
    monkeypatch: pytest.MonkeyPatch,
    shared: dict[str, str],
    tmp_path: Path,
    lacking: list[str],
    text: str,
) -> None:
    monkeypatch.setattr(sandbox, "missing", lambda: lacking)
    partly = "page renderers run in a part of their sandbox: the kernel offers "
    assert sandbox.summary("auto") == partly + text and sandbox.state("auto") == "partial"
    assert sandbox.state("off") == "off"
    config = parse_config(
        {
            "mongodb": {key.removeprefix("mongodb."): value for key, value in shared.items()},
            "storage": {"data_dir": str(tmp_path)},
            "rendering": {"sandbox": "required"},
        }
    )
    refusal = "rendering.sandbox is required, but the kernel offers "
    with pytest.raises(StartError, match=f"^{refusal}{text}$"):
        Backend(config).start()
    finding = sandbox_of_renderers(config)
    assert (finding.level, finding.detail) == (Level.PROBLEM, refusal + text)
