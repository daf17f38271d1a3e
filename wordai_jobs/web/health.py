"""Whether the process answers, and whether the parts it needs do."""

from collections.abc import Iterator

from flask import Blueprint, Response, jsonify

from wordai_jobs import __version__
from wordai_jobs.errors import DatabaseError, NotReady
from wordai_jobs.web.answers import HealthAnswer, ReadyAnswer
from wordai_jobs.web.context import services
from wordai_jobs.web.openapi.operation import Answer, Operation

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("")
@Operation(
    "The process answers", Answer(200, "It does", HealthAnswer), access="open", has_head=True
)
def health() -> Response:
    """Answers whenever the process can: no authentication, no database."""
    waiting, running = services().runner.counts
    return jsonify(
        {"status": "ok", "version": __version__, "jobs": {"waiting": waiting, "running": running}}
    )


@blueprint.get("/ready")
@Operation(
    "Database, storage and page renderers work",
    Answer(200, "They do", ReadyAnswer),
    {503: ("the database cannot be reached", "no page renderer is running")},
    access="open",
)
def ready() -> Response:
    problems = list(_problems())
    if problems:
        raise NotReady("; ".join(problems))
    return jsonify({"status": "ready", "database": "ok", "storage": "ok", "renderers": "ok"})


def _problems() -> Iterator[str]:
    if not services().is_open():
        yield "the database cannot be reached yet"
        return
    try:
        services().database.ping()
    except DatabaseError as error:
        yield error.message
    try:
        services().storage.folder.check_writable()
    except OSError as error:
        yield f"storage cannot be written: {error.strerror}"
    if services().pool.ready_count == 0:
        yield "no page renderer is running"
