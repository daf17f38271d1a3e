"""Who sends a request, and whether they may."""

from typing import cast

from flask import g, request

from wordai_jobs.auth.verifier import bearer_token
from wordai_jobs.errors import AppError
from wordai_jobs.web.services import services


class NotThisMachine(AppError):
    """In mode dev anyone can sign in as anyone, so only requests from this machine are accepted."""

    status = 403

    def __init__(self) -> None:
        super().__init__("This server runs in mode dev and answers its own machine only")


def authenticate() -> None:
    """Find out who calls; raises Unauthenticated. Blueprints run this before their requests."""
    token = bearer_token(request.headers.get("Authorization"))
    g.user_id = services().verifier.verify(token).user_id


def user_id() -> str:
    """The authenticated caller."""
    return cast(str, g.user_id)


def refuse_other_machines_in_mode_dev() -> None:
    """Raises NotThisMachine.

    A proxy on this machine connects from here, whoever uses it, so each address that it names must
    be of this machine too.
    """
    if services().dev_tokens is None:
        return
    forwarded_for = request.headers.get("X-Forwarded-For", "").split(",")
    for address in (request.remote_addr or "", *forwarded_for):
        if not _is_this_machine(address.strip()):
            raise NotThisMachine


def _is_this_machine(address: str) -> bool:
    return address.startswith("127.") or address in ("::1", "::ffff:127.0.0.1", "")
