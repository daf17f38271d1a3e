"""Tokens for anyone who asks. Registered in mode dev only."""

from flask import Blueprint, Response, jsonify

from wordai_jobs.auth.verifier import DEV_TOKEN_MAX_AGE_S
from wordai_jobs.web.answers import DevTokenAnswer
from wordai_jobs.web.context import services
from wordai_jobs.web.openapi.common import OF_JSON
from wordai_jobs.web.openapi.operation import Answer, Operation
from wordai_jobs.web.schemas import NewDevToken, json_body

blueprint = Blueprint("dev", __name__, url_prefix="/dev")


@blueprint.post("/token")
@Operation(
    "A token for anyone who asks; mode dev only",
    Answer(200, "The token", DevTokenAnswer),
    OF_JSON,
    json=NewDevToken,
    access="open",
)
def token() -> Response:
    dev_tokens = services().dev_tokens
    assert dev_tokens, "this blueprint is registered in mode dev only"
    wanted = json_body(NewDevToken)
    return jsonify(
        {
            "token": dev_tokens.sign(wanted.user_id),
            "user_id": wanted.user_id,
            "expires_in_s": DEV_TOKEN_MAX_AGE_S,
        }
    )
