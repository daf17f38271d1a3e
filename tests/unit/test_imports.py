"""Imports run one way, and children load nothing they do not need."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "wordai_jobs"
BOTTOM = {"errors", "clock", "model"}
WATCHING = {"logs", "metrics"}
# Which parts of the package each part may import; web comes before all, app and server before web.
ALLOWED = {
    "model": {"clock"},
    "clock": set(),
    "errors": set(),
    "config": {"errors"},
    "logs": {"clock", "config"},
    "linux": set(),
    "metrics": {"errors", "model", "rendering"},
    "auth": BOTTOM,
    "storage": BOTTOM | {"linux"},
    "database": BOTTOM | WATCHING | {"linux"},
    "rendering": BOTTOM | {"config", "linux", "logs"},
    "jobs": BOTTOM | WATCHING | {"rendering", "storage", "database"},
    "library": BOTTOM | {"rendering", "storage", "database"},
    "client": {"model"},
    "web": BOTTOM
    | WATCHING
    | {"auth", "config", "storage", "database", "rendering", "jobs", "library"},
}


def imports(path: Path) -> set[str]:
    """The parts of the package that a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wordai_jobs."):
            found.add(str(node.module).split(".")[1])
    return found


@pytest.mark.parametrize("part", ALLOWED)
def test_a_part_imports_only_what_lies_below_it(part: str) -> None:
    folder = PACKAGE / part
    modules = sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{part}.py"]
    for module in modules:
        allowed = ALLOWED[part] | {part}
        assert imports(module) <= allowed, (
            f"{module.relative_to(PACKAGE)} imports {imports(module) - allowed}"
        )


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that are loaded after a statement, in a Python of its own."""
    code = (
        f"{statement}; import sys; print(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    )
    return set(
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout.split()
    )


def test_a_rendering_child_loads_neither_web_nor_database_nor_firebase() -> None:
    loaded = loaded_by("import wordai_jobs.rendering.fork_server")
    assert "pymupdf" in loaded
    assert not loaded & {
        "firebase_admin",
        "flask",
        "prometheus_client",
        "pydantic",
        "pymongo",
        "requests",
        "waitress",
    }


def test_the_server_loads_no_pdf_library_and_in_mode_dev_no_firebase() -> None:
    loaded = loaded_by("import wordai_jobs.server")
    assert "flask" in loaded
    assert not loaded & {"pymupdf", "PIL", "firebase_admin", "secantus"}


def test_a_users_commands_load_nothing_of_the_server() -> None:
    loaded = loaded_by("import wordai_jobs.cli.main")
    assert "click" in loaded
    assert not loaded & {"flask", "pymongo", "pymupdf", "pydantic", "firebase_admin", "waitress"}


def test_creating_the_application_starts_no_thread_and_no_process(tmp_path: Path) -> None:
    code = (
        "import threading, os; from wordai_jobs.app import create_app; from wordai_jobs.config import parse_config; "
        f"create_app(parse_config({{'storage': {{'data_dir': {str(tmp_path)!r}}}}})); "
        "print(threading.active_count(), open(f'/proc/{os.getpid()}/task/{os.getpid()}/children').read())"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert shown.split() == ["1"]
