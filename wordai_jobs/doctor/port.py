"""The port, and the server that may have it already."""

import errno
import os
import socket
from typing import Any

from wordai_jobs import __version__
from wordai_jobs.addresses import http_url
from wordai_jobs.client import Client, ClientError, ReadyReport
from wordai_jobs.config import ServerSettings
from wordai_jobs.doctor.finding import Finding, Level


def port(server: ServerSettings) -> Finding:
    check, address = "port", f"{server.host}:{server.port}"
    reason = _why_not_free(server)
    if reason is None:
        return Finding(
            check, Level.OK, f"{address} is free" if server.port else "a free one will be taken"
        )
    if reason != errno.EADDRINUSE:
        return Finding(
            check,
            Level.PROBLEM,
            f"{address}: {os.strerror(reason)}",
            "set server.host and server.port to what may be used here",
        )
    try:
        running = ask(server)
    except ClientError:
        return Finding(
            check,
            Level.PROBLEM,
            f"{address} is used by another program",
            "stop that, or set server.port",
        )
    answer = f"wordai_jobs {running.version} serves on {address}"
    if not running.is_ready:
        return Finding(
            check, Level.PROBLEM, f"{answer} and is not ready: {running.detail}", "look at its log"
        )
    if running.version != __version__:
        return Finding(
            check,
            Level.WARNING,
            f"{answer}; installed here is {__version__}",
            "start it anew to use that",
        )
    return Finding(check, Level.OK, f"{answer} and is ready")


def _why_not_free(server: ServerSettings) -> int | None:
    """The error number of listening there, on any address of the host; None where that can be
    done.
    """
    try:
        addresses = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return errno.EADDRNOTAVAIL
    reasons = (
        _why_not_bound(family, protocol, address) for family, _, protocol, _, address in addresses
    )
    return next((reason for reason in reasons if reason is not None), None)


def _why_not_bound(family: int, protocol: int, address: Any) -> int | None:
    with socket.socket(family, socket.SOCK_STREAM, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return error.errno
    return None


def ask(server: ServerSettings) -> ReadyReport:
    """How the server that listens there is; raises ClientError where it is none of ours."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)
    with Client(http_url(host, server.port)) as client:
        return client.ready()
