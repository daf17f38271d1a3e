"""What Prometheus reads, where `metrics.port` gives it no port of its own."""

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from wordai_jobs.web.context import services
from wordai_jobs.web.openapi.operation import Answer, Operation

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@Operation(
    "What Prometheus reads",
    Answer(200, "Prometheus text", media_types=("text/plain",), headers=("Cache-Control",)),
    access="open",
)
def metrics() -> Response:
    response = Response(
        generate_latest(services().metrics.registry), content_type=CONTENT_TYPE_PLAIN_0_0_4
    )
    response.headers["Cache-Control"] = "no-store"
    return response
