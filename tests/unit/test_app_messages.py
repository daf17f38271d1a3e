"""Every message of the server that the app can show exists in the app's languages."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import wordai_jobs.app  # noqa: F401 - defines all errors that the server answers with
from tests.support.server import ROOT
from wordai_jobs.errors import AppError
from wordai_jobs.rendering.protocol import Failure

PACKAGE = ROOT / "wordai_jobs"
MESSAGES = PACKAGE / "static" / "app" / "messages"
# They have users of their own, who read English.
ELSEWHERE = ("client", "cli", "doctor")
# Parts of a message that depend on the request.
PLACEHOLDER = "#"
# The app sends no such request, or shows something of its own.
NEVER_SHOWN = {
    "Could not validate credentials",  # the app asks to sign in again
    "Failed to get job status: #",  # the app says that it is reconnecting
    "The body is not valid JSON",
    "The body must be a JSON object",
    "Idempotency-Key must be # to # printable ASCII characters",
    "Idempotency-Key was used with different fields",
    "cursor must be a next_cursor of this list",
    "cursor must be a next_cursor of this search",
    "dpi must be #, # or #",
    "dpi must be a number",
    "file must be a PDF, in a multipart form",
    "page_number must be from # to #",
    "parent_id must not be the chapter itself, or one below it",
    "slug # is taken by another chapter of this book",
    "## must not be after the end of the PDF, which has #",
    "#first_page must not be after #last_page",
    "A form field is larger than the limit of # MB",
    "The body is larger than the limit of # MB",
    "Too many images are being rendered, try again soon",  # the reader fetches the image again
    "The client is gone",
    # Where these are answered, the app is refused too.
    "This server runs in mode dev and answers its own machine only",
    "This server runs in mode dev and answers only as localhost, #.#.#.# or [::#]",
    "File not found",
    "the # cannot be reached yet",  # of /health/ready
    "the object store cannot be reached",  # for operators, like the next
    "the database cannot be reached",
    "The page is damaged and cannot be rendered",  # becomes `Page # is damaged …`
}


def test_every_message_of_the_server_has_one_in_the_app() -> None:
    said = {message for path in modules() for message in messages_of(path)}
    said |= {failure.message for failure in Failure}
    assert len(said) > 40
    missing = {normal(message) for message in said} - known("en") - NEVER_SHOWN
    assert sorted(missing) == []


@pytest.mark.parametrize("language", ["en", "vi"])
def test_the_app_has_no_message_that_the_server_does_not_send(language: str) -> None:
    said = {message for path in modules() for message in messages_of(path)}
    said |= {failure.message for failure in Failure}
    assert sorted(known(language) - {normal(message) for message in said}) == []


def modules() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] not in ELSEWHERE:
            yield path


def messages_of(path: Path) -> Iterator[str]:
    """The texts of the errors that a module raises, with placeholders for what depends."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assigned = [
        (target.id, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and name_of(node.func) in ERRORS - INDIRECT:
            yield from texts(node.args[0], assigned)
        if isinstance(node, ast.ClassDef) and node.name in ERRORS:
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and name_of(call.func) == "__init__" and call.args:
                    yield from texts(call.args[0], assigned)


def texts(node: ast.expr, assigned: Sequence[tuple[str, ast.expr]]) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else PLACEHOLDER
            for part in node.values
        )
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body, assigned)
        yield from texts(node.orelse, assigned)
    elif isinstance(node, ast.Name):
        for name, value in assigned:
            if name == node.id:
                yield from texts(value, ())


def name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def subclasses(kind: type) -> Iterator[type]:
    child: type
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


# They say something else than they are given.
INDIRECT = {"AccessDenied", "NotFound", "StorageError", "DatabaseError", "StatusUnavailable"}
ERRORS = {"RenderingError", "JobError"} | {kind.__name__ for kind in subclasses(AppError)}


def normal(message: str) -> str:
    return re.sub(r"\d+", PLACEHOLDER, message)


def known(language: str) -> set[str]:
    text = (MESSAGES / f"{language}.js").read_text(encoding="utf-8")
    joined = re.sub(r'"\s*\+\s*"', "", text)
    return set(re.findall(r'^\s*\[?"failure\.([^"]+)"', joined, re.MULTILINE))
