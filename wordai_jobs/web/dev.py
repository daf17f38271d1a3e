"""Tokens for anyone. Registered in mode dev only."""

from flask import Blueprint, Response, jsonify

from wordai_jobs.auth.verifier import DEV_TOKEN_MAX_AGE_S
from wordai_jobs.web.openapi.errors import JSON_ERRORS
from wordai_jobs.web.openapi.operation import Operation, Success
from wordai_jobs.web.request_bodies import NewDevToken, json_body
from wordai_jobs.web.response_bodies.server import DevTokenBody
from wordai_jobs.web.services import services

blueprint = Blueprint("dev", __name__, url_prefix="/dev")


@blueprint.post("/token")
@Operation(
    "Get a token as any user; mode dev only",
    Success(200, "The token", DevTokenBody),
    JSON_ERRORS,
    json=NewDevToken,
    access="open",
)
def token() -> Response:
    dev_tokens = services().dev_tokens
    assert dev_tokens, "this blueprint is registered in mode dev only"
    user_id = json_body(NewDevToken).user_id
    return jsonify(
        DevTokenBody(
            token=dev_tokens.sign(user_id), user_id=user_id, expires_in_s=DEV_TOKEN_MAX_AGE_S
        )
    )
