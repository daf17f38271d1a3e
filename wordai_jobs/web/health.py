"""Whether the process responds, and whether its parts work."""

from flask import Blueprint, Response, jsonify

from wordai_jobs import __version__, readiness
from wordai_jobs.errors import NotReady
from wordai_jobs.web.openapi.operation import Operation, Success
from wordai_jobs.web.response_bodies.server import HealthBody, JobCounts, ReadyBody
from wordai_jobs.web.services import services

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("")
@Operation(
    "Check that the process responds",
    Success(200, "The process responds", HealthBody),
    access="open",
    has_head=True,
)
def health() -> Response:
    """Responds whenever the process can: without authentication, without the database."""
    waiting, running = services().engine.counts
    counts = JobCounts(waiting=waiting, running=running)
    return jsonify(HealthBody(status="ok", version=__version__, jobs=counts))


@blueprint.get("/ready")
@Operation(
    "Check that database, storage and page renderers work",
    Success(200, "All of them work", ReadyBody),
    {503: ("the database cannot be reached", "no page renderer is running")},
    access="open",
)
def ready() -> Response:
    if not services().is_open():
        raise NotReady(f"the {services().waits_for()} cannot be reached yet")
    problems = readiness.problems(services().database, services().storage)
    problems += services().engine.problems()
    if problems:
        raise NotReady("; ".join(problems))
    sandbox = services().sandbox
    return jsonify(
        ReadyBody(status="ready", database="ok", storage="ok", renderers="ok", sandbox=sandbox)
    )
