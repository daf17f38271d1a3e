"""`/metrics` for Prometheus, registered unless `metrics.port` gives it a port of its own."""

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from wordai_jobs.web.openapi.operation import Operation, Success
from wordai_jobs.web.services import services

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@Operation(
    "Metrics for Prometheus",
    Success(200, "Prometheus text", media_types=("text/plain",), headers=("Cache-Control",)),
    access="open",
)
def metrics() -> Response:
    text = generate_latest(services().registry)
    response = Response(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)
    response.headers["Cache-Control"] = "no-store"
    return response
