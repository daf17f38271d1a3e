"""The program `wordai-jobs` against a real server, in a pipe and on a terminal."""

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.conftest import StartServer
from tests.integration.conftest import Records
from tests.support.client import Client, Json
from tests.support.command import Program
from tests.support.held import hanging_job
from tests.support.pdfs import hanging_pdf, text_pdf
from tests.support.processes import freeze_the_busy_renderer
from tests.support.proxy import proxy_to
from tests.support.server import ServerProcess, free_port, wait_until_up
from wordai_jobs import __version__
from wordai_jobs.cli.main import program as commands
from wordai_jobs.config import parse_config
from wordai_jobs.doctor import Level
from wordai_jobs.doctor.storage import storage

pytestmark = pytest.mark.long_file(90)


@pytest.fixture
def program(server: ServerProcess, alice: Client, tmp_path: Path) -> Program:
    """The program as alice uses it, in a folder with her PDFs."""
    (tmp_path / "book.pdf").write_bytes(text_pdf(3))
    (tmp_path / "hangs.pdf").write_bytes(hanging_pdf())
    token = str(alice.session.headers["Authorization"]).removeprefix("Bearer ")
    return Program(tmp_path, {"WORDAI_URL": server.url, "WORDAI_TOKEN": token})


def operators(server: ServerProcess, settings: dict[str, str]) -> Program:
    """The program as the server's operator uses it: in its folder, with its settings."""
    own = {"server.port": server.port, "storage.data_dir": str(server.data)}
    return Program(server.folder, settings={**own, **settings})


# A user's commands


def test_in_a_pipe_submit_prints_plain_lines_and_ends_with_the_job(
    program: Program, alice: Client
) -> None:
    submit = ("submit", "book.pdf", "--new-book", "Sách", "--title", "Chương 1", "--wait")
    stdout, stderr = program.start(*submit).communicate()
    assert stderr == "" and "\r" not in stdout and "\x1b" not in stdout
    lines = stdout.splitlines()
    assert re.fullmatch(r"Sent \d+ kB", lines[0])
    assert lines[1].startswith("Book ") and lines[2].startswith("Job ")
    assert lines[-2] == "100 %  Chapter created successfully with 3 pages"
    assert re.fullmatch(r"Chapter [0-9a-f-]{36} with 3 pages", lines[-1])
    book_id = lines[1].removeprefix("Book ")
    chapters = alice.get(f"/api/v1/books/{book_id}/chapters").json()["chapters"]
    assert [chapter["title"] for chapter in chapters] == ["Chương 1"]
    assert program.run("books").stdout.splitlines()[1:] == [f"{book_id}  Sách"]


@pytest.mark.parametrize(
    "command",
    [
        ("parts", "book.pdf", "--new-book", "B", "--part", "All=1-9"),
        ("submit", "book.pdf", "--new-book", "B", "--title", "x" * 301),
    ],
    ids=lambda command: command[0],
)
def test_a_request_that_is_refused_leaves_no_new_book(
    program: Program, alice: Client, command: tuple[str, ...]
) -> None:
    program.run(*command, expect=3)
    assert alice.get("/api/v1/books").json() == {"books": []}


def test_a_library_is_cared_for_from_the_command_line(program: Program, alice: Client) -> None:
    def printed(*arguments: str) -> Json:
        shown: Json = json.loads(program.run(*arguments, "--json").stdout)
        return shown

    book = alice.book_id
    for title in ("One", "Two", "Three"):
        program.run("submit", "book.pdf", "--book", book, "--title", title, "--wait")
    one, two, three = (each["chapter_id"] for each in printed("chapters", book)["chapters"])
    said = program.run("move", book, three, "1").stdout
    assert said == f"Chapter {three} is number 1 of 3\n"
    lines = program.run("chapters", book).stdout.splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["1", three, "3", "Three"],
        ["2", one, "3", "One"],
        ["3", two, "3", "Two"],
    ]
    assert program.run("move", book, one, "9").stdout == f"Chapter {one} is number 3 of 3\n"
    assert "not found" in program.run("move", book, "none", "1", expect=3).stderr

    assert printed("rename", book, "Sách hay")["title"] == "Sách hay"
    said = program.run("rename", book, "Eins", "--chapter", one).stdout
    assert said == "Chapter is now called Eins\n"
    [hit, *others] = printed("search", "page", "--book", book, "--limit", "2")["hits"]
    assert hit["chapter_id"] == three and len(others) == 1
    assert hit["excerpt"] in program.run("search", "page", "--chapter", three).stdout
    assert (
        program.run("text", book, three).stdout.split()
        == " ".join(printed("text", book, three)["pages"]).split()
    )

    (program.folder / "file_3.pdf").write_bytes(text_pdf(3))
    found = printed("outline", "file_3.pdf")
    assert found["page_count"] == 3 and found["outline"] == []
    assert "3 pages and no outline" in program.run("outline", found["file_id"]).stdout
    program.run("download", found["file_id"], "copy.pdf")
    folder = program.folder
    assert (folder / "copy.pdf").read_bytes() == (folder / "book.pdf").read_bytes()
    assert "exists" in program.run("download", found["file_id"], "copy.pdf", expect=1).stderr

    pages = ("--part", "Vorwort=1-1", "--part", "Rest=2-3")
    made = printed("parts", found["file_id"], "--book", book, *pages, "--wait")["jobs"]
    assert [job["result"]["total_pages"] for job in made] == [1, 2]
    last = [each["title"] for each in printed("chapters", book)["chapters"]][-2:]
    assert last == ["Vorwort", "Rest"]
    done = program.run("parts", found["file_id"], "--book", book, "--part", "Ende=3-3", "--wait")
    [ende] = [each for each in printed("chapters", book)["chapters"] if each["title"] == "Ende"]
    assert done.stdout.splitlines()[-1] == f"Chapter {ende['chapter_id']}: Ende"
    refused = program.run("parts", found["file_id"], "--book", book, expect=2).stderr
    assert "no entries of level 1" in refused
    assert "TITLE=FIRST-LAST" in program.run("parts", "x", "--part", "1-2", expect=2).stderr

    program.run("delete", book, "--chapter", two, expect=130)
    assert program.run("delete", book, "--chapter", two, "--yes").stdout == "Deleted Two\n"
    assert program.run("delete", book, "--yes").stdout == "Deleted Sách hay\n"
    assert "not found" in program.run("chapters", book, expect=3).stderr


def test_with_json_standard_output_is_json_and_nothing_else(
    program: Program, alice: Client
) -> None:
    def printed(*arguments: str) -> Json:
        shown: Json = json.loads(program.run(*arguments, "--json").stdout)
        return shown

    done = program.run("submit", "book.pdf", "--book", alice.book_id, "--wait", "--json")
    job = json.loads(done.stdout)
    assert job["status"] == "completed" and job["book_id"] == alice.book_id
    assert "Chapter created successfully with 3 pages" in done.stderr
    polled = alice.job(job["job_id"])
    assert printed("status", job["job_id"]) == polled
    completed = printed("jobs", "list", "--status", "completed", "--book", alice.book_id)
    assert completed == {"jobs": [polled]}
    assert printed("jobs", "list", "--status", "failed", "--all") == {"jobs": []}
    assert [book["book_id"] for book in printed("books")["books"]] == [alice.book_id]


def test_cancel_retry_and_the_exit_codes_of_a_failed_job(
    program: Program, server: ServerProcess, alice: Client
) -> None:
    job_id = hanging_job(alice, server)
    assert "processing  30 %" in program.run("status", job_id).stdout
    assert program.run("cancel", job_id).stdout == f"Job {job_id} is cancelled\n"
    failed = program.run("status", job_id, "--watch", expect=1)
    assert failed.stderr == f"wordai-jobs: Job {job_id} failed: Cancelled by user\n"
    assert program.run("cancel", job_id, expect=3).stderr == "wordai-jobs: Job has already failed\n"
    new_id = program.run("retry", job_id).stdout.removeprefix("Job ").strip()
    freeze_the_busy_renderer(server.pid)
    refused = program.run("retry", new_id, expect=3)
    assert new_id != job_id and refused.stderr.startswith("wordai-jobs: Only a failed job")
    table = program.run("jobs", "list", "--limit", "1").stdout.splitlines()
    assert len(table) == 2 and table[1].startswith(new_id)
    cancelled = json.loads(program.run("cancel", new_id, "--json").stdout)
    assert cancelled["error"] == "Cancelled by user"


def test_on_a_terminal_a_bar_is_drawn_on_one_line(program: Program, alice: Client) -> None:
    terminal = program.in_terminal(
        "submit", "book.pdf", "--book", alice.book_id, "--wait", columns=70
    )
    assert terminal.exit_code() == 0
    bars = [line for line in terminal.lines if "█" in line or "░" in line]
    assert all(len(line) < 70 for line in bars)
    assert bars[0].startswith("Uploading ") and bars[-1].startswith("Done ") and "100 %" in bars[-1]
    # The upload's bar, the job's id and its bar, the chapter.
    assert terminal.shown.count("\n") == 4


def test_on_a_terminal_without_block_characters_the_bar_is_ascii(
    program: Program, alice: Client
) -> None:
    program.env["PYTHONIOENCODING"] = "ascii"
    submit = ("submit", "book.pdf", "--book", alice.book_id, "--title", "Chương", "--wait")
    terminal = program.in_terminal(*submit)
    assert terminal.exit_code() == 0
    assert terminal.shown.isascii() and "#####" in terminal.shown


def test_ctrl_c_leaves_the_job_running_and_says_how_to_come_back(
    program: Program, server: ServerProcess, alice: Client
) -> None:
    del program.env["WORDAI_URL"]
    submit = ("submit", "hangs.pdf", "--book", alice.book_id, "--wait", "--server", server.url)
    terminal = program.in_terminal(*submit, columns=120)
    terminal.wait_for("Opening PDF")
    freeze_the_busy_renderer(server.pid)
    terminal.press_ctrl_c()
    assert terminal.exit_code() == 130
    found = re.search(r"wordai-jobs (status (\S+) --watch --server \S+)", terminal.shown)
    assert found and "goes on" in terminal.shown and "Traceback" not in terminal.shown
    job_id = found[2]
    assert alice.job(job_id)["status"] == "processing"
    back = program.in_terminal(*found[1].split(), columns=120)
    back.wait_for("Opening PDF")
    alice.post(f"/api/v1/books/jobs/{job_id}/cancel")
    assert back.exit_code() == 1
    assert "Failed" in back.shown and "failed: Cancelled by user" in back.shown


def test_what_cannot_be_done_is_one_line_and_an_exit_code(
    program: Program, server: ServerProcess
) -> None:
    def refused(*arguments: str) -> str:
        stderr = program.run(*arguments, expect=3).stderr
        assert stderr.count("\n") == 1
        return stderr

    (program.folder / "no.pdf").write_text("no PDF")
    assert refused("submit", "no.pdf", "--new-book", "B") == "wordai-jobs: The file is not a PDF\n"
    unsent = program.run("submit", "book.pdf", "--book", "none", expect=3)
    assert (unsent.stdout, unsent.stderr) == ("", "wordai-jobs: Book none not found\n")
    assert program.run("books").stdout == "BOOK  TITLE\n"
    assert refused("status", "none", "--watch") == "wordai-jobs: Job none not found\n"
    assert refused("books", "--token", "forged") == (
        "wordai-jobs: Could not validate credentials: "
        "set WORDAI_TOKEN, or --token, to a valid token\n"
    )
    nobody = f"http://127.0.0.1:{free_port()}"
    assert refused("status", "none", "--watch", "--server", nobody) == (
        f"wordai-jobs: The server at {nobody} cannot be reached: Connection refused\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "submit book.pdf",
        "submit none.pdf --book b",
        "jobs list --limit 0",
        "books --server wordai.example",
        "nonsense",
    ],
)
def test_wrong_use_is_an_error_and_exit_code_2(program: Program, arguments: str) -> None:
    assert "Error: " in program.run(*arguments.split(), expect=2).stderr


def test_server_and_token_may_come_from_a_file(program: Program, server: ServerProcess) -> None:
    del program.env["WORDAI_URL"], program.env["WORDAI_TOKEN"]
    token = program.run("token", "carol", "--server", server.url).stdout.strip()
    file = program.folder / "config" / "wordai-jobs" / "client.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f'server = "{server.url}"\ntoken = "{token}"\n')
    assert "chmod 600" in program.run("books").stderr
    file.chmod(0o600)
    assert program.run("books").stderr == ""
    file.write_text('sever = "http://127.0.0.1"\n')
    assert "sever" in program.run("books", expect=2).stderr


def test_asking_a_server_in_mode_firebase_for_a_dev_token_says_so(
    program: Program, server: ServerProcess
) -> None:
    with proxy_to(server.url) as proxy:
        proxy.faults.append(404)  # what a server in mode firebase answers
        refused = program.run("token", "carol", "--server", proxy.url, expect=3)
    assert "is not in mode dev" in refused.stderr


def test_the_program_tells_its_version_and_its_exit_codes(program: Program) -> None:
    assert program.run("--version").stdout == f"wordai-jobs {__version__}\n"
    assert "Exit codes:" in program.run("--help").stdout
    expected = (
        "submit status jobs cancel retry token serve worker sweep join doctor create-indexes "
    )
    expected += "backup restore move-storage"
    assert set(expected.split()) <= set(commands.commands)


def names(group: click.Group) -> Iterator[str]:
    """Of all commands, those of groups below it included."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from (f"{name} {below}" for below in names(command))
        else:
            yield name


@pytest.mark.parametrize("command", list(names(commands)))
def test_every_command_has_help_with_an_example(command: str) -> None:
    shown = CliRunner().invoke(commands, [*command.split(), "--help"]).output
    assert f"wordai-jobs {command}" in shown.partition("Example")[2]


# An operator's commands


def test_serve_runs_the_server_and_the_others_leave_it_its_database(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "settings.toml").write_text(
        f'server.port = {port}\nstorage.data_dir = "{tmp_path / "data"}"\n'
    )
    program, config = Program(tmp_path), ["--config", "settings.toml"]
    assert checks(program, *config)["database"] == "ok"
    assert not (tmp_path / "data").exists()
    serving = program.start("serve", *config)
    try:
        wait_until_up(serving, port, "/health/ready")
        found = program.run("doctor", *config).stdout
        assert "serves on" in found and "the running server uses it" in found
        assert "problem" not in found
        assert "a server is using this data folder" in program.run("sweep", *config).stdout
    finally:
        serving.send_signal(signal.SIGTERM)
        _, log = serving.communicate(timeout=60)
    assert serving.returncode == 0, log
    assert program.run("create-indexes", *config).stdout == "All indexes exist\n"


def test_sweep_ends_the_jobs_of_a_dead_server_and_never_a_living_ones(
    start_server: StartServer, shared: dict[str, str], records: Records
) -> None:
    server = start_server(shared).wait_until_ready()
    alice, program = Client(server.url, "alice"), operators(server, shared)
    job_id = hanging_job(alice, server)
    assert program.run("sweep").stdout.startswith("Nothing to do: a server is using")
    assert alice.job(job_id)["status"] == "processing"
    server.kill()
    assert json.loads(program.run("sweep", "--json").stdout) == {"ended": 1, "note": None}
    job = records["pdf_chapter_jobs"].find_one({"job_id": job_id})
    assert job and job["error"] == "Server restarted while the job was running"
    records["pdf_chapter_jobs"].drop_index("updated_at_1")
    assert checks(program)["indexes"] == "warning"
    assert program.run("create-indexes").stdout == "created pdf_chapter_jobs.updated_at_1\n"
    program.env["WORDAI_JOBS_STORAGE__URL"] = "az://without-an-account"
    found = json.loads(program.run("doctor", "--json", expect=1).stdout)["checks"]
    levels = {finding["check"]: finding["level"] for finding in found}
    assert (levels["object store"], levels["identity"]) == ("problem", "problem")
    assert (levels["database"], levels["indexes"]) == ("ok", "ok")


def test_doctor_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "none.json").write_text("{}")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings: dict[str, object] = {
            "server.port": other.getsockname()[1],
            "server.secret_key": "guess",
            "storage.data_dir": "file/data",
            "mongodb.uri": f"mongodb://someone:pass@127.0.0.1:{free_port()}",
            "auth.mode": "firebase",
            "auth.firebase_project_id": "demo",
            "auth.credentials_file": "none.json",
        }
        done = Program(tmp_path, settings=settings).run("doctor", "--json", expect=1)
    found = json.loads(done.stdout)
    levels = {finding["check"]: finding["level"] for finding in found["checks"]}
    assert levels == {
        "configuration": "ok",
        "sign-in": "problem",
        "storage": "problem",
        "secret key": "problem",
        "port": "problem",
        "database": "problem",
        "renderers": "ok",
        "sandbox": "ok",
    }
    assert found["problems"] == 5 and "pass" not in json.dumps(found)
    assert all(finding["advice"] for finding in found["checks"] if finding["level"] == "problem")


def test_a_bad_setting_stops_every_command_of_an_operator_with_its_name(tmp_path: Path) -> None:
    program = Program(tmp_path, settings={"server.prot": 9000})
    found = program.run("doctor", expect=1).stdout
    assert "problem  configuration: unknown key server.prot" in found
    assert "unknown key server.prot" in program.run("serve", expect=1).stderr
    assert "unknown key server.prot" in program.run("sweep", expect=1).stderr


def test_nothing_is_written_into_a_data_folder_that_is_missing_or_not_ones_own(
    tmp_path: Path,
) -> None:
    program = Program(tmp_path)
    assert "does not exist" in program.run("sweep", expect=1).stderr
    assert not (tmp_path / "data").exists()
    theirs = Path("/usr")
    if os.geteuid() == 0:
        theirs = tmp_path / "theirs"
        theirs.mkdir()
        os.chown(theirs, 54321, 54321)
    program.env["WORDAI_JOBS_STORAGE__DATA_DIR"] = str(theirs)
    assert "run this as that user" in program.run("sweep", expect=1).stderr
    assert storage(parse_config({"storage": {"data_dir": str(theirs)}})).level is Level.PROBLEM


def checks(program: Program, *arguments: str) -> dict[str, str]:
    """The level of each of the doctor's checks, none of which may be a problem."""
    found = json.loads(program.run("doctor", "--json", *arguments).stdout)
    return {finding["check"]: finding["level"] for finding in found["checks"]}
