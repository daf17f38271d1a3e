"""Who sends a request, and whether they may."""

from typing import Any, cast

from flask import g, request

from wordai_jobs.addresses import host_of, is_loopback
from wordai_jobs.auth.verifier import bearer_token
from wordai_jobs.errors import AppError
from wordai_jobs.web.services import services


class NotThisMachine(AppError):
    """In mode dev anyone can sign in as anyone, so only requests from this machine are accepted."""

    status = 403

    def __init__(self) -> None:
        super().__init__("This server runs in mode dev and answers its own machine only")


class NotThisName(AppError):
    """The request is for another name than this machine's own. It may come from a web page whose
    name was pointed to this machine (DNS rebinding): browsers let such a page read the response.
    """

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This server runs in mode dev and answers only as localhost, 127.0.0.1 or [::1]"
        )


def authenticate() -> None:
    """Find out who calls; raises Unauthenticated. Blueprints run this before their requests."""
    token = bearer_token(request.headers.get("Authorization"))
    g.user_id = services().verifier.verify(token).user_id


def user_id() -> str:
    """The authenticated caller."""
    return cast(str, g.user_id)


def refuse_strangers_in_mode_dev() -> None:
    """Raises NotThisMachine or NotThisName."""
    if services().dev_tokens:
        check_is_of_this_machine(request.environ)


def check_is_of_this_machine(environ: dict[str, Any]) -> None:
    """Raises NotThisMachine or NotThisName.

    A proxy on this machine connects from here, whoever uses it, so each address and each name that
    it forwards must be of this machine too.
    """
    for address in _parts(environ.get("REMOTE_ADDR"), environ.get("HTTP_X_FORWARDED_FOR")):
        if not (is_loopback(address) or is_loopback(host_of(address))):
            raise NotThisMachine
    for name in _parts(environ.get("HTTP_HOST"), environ.get("HTTP_X_FORWARDED_HOST")):
        if not is_loopback(host_of(name)):
            raise NotThisName


def _parts(*lists: str | None) -> list[str]:
    """The values of lists such as `a, b`; most requests lack some of them."""
    return [part.strip() for each in lists if each for part in each.split(",") if part.strip()]
