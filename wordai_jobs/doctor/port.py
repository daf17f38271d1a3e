"""Checks the port, and the server that may be using it."""

import errno
import os
import socket

from wordai_jobs import __version__
from wordai_jobs.addresses import http_url
from wordai_jobs.client import Client, ClientError, ReadyReport
from wordai_jobs.config import ServerSettings
from wordai_jobs.doctor.finding import Finding, Level


def port(server: ServerSettings) -> Finding:
    check, address = "port", f"{server.host}:{server.port}"
    reason = _why_not_free(server)
    if reason is None:
        detail = f"{address} is free" if server.port else "a free port will be chosen"
        return Finding(check, Level.OK, detail)
    if reason != errno.EADDRINUSE:
        return Finding(
            check,
            Level.PROBLEM,
            f"{address}: {os.strerror(reason)}",
            "set server.host and server.port to an address that this user may listen on",
        )
    try:
        running = ask(server)
    except ClientError:
        return Finding(
            check,
            Level.PROBLEM,
            f"{address} is used by another program",
            "stop that program, or set server.port",
        )
    found = f"wordai_jobs {running.version} serves on {address}"
    if not running.is_ready:
        return Finding(
            check, Level.PROBLEM, f"{found} and is not ready: {running.detail}", "look at its log"
        )
    if running.version != __version__:
        return Finding(
            check,
            Level.WARNING,
            f"{found}, but {__version__} is installed",
            "restart the server to use the installed version",
        )
    return Finding(check, Level.OK, f"{found} and is ready")


def _why_not_free(server: ServerSettings) -> int | None:
    """The error number if the server could not listen on an address of the host, else None."""
    try:
        addresses = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return errno.EADDRNOTAVAIL
    for family, _, protocol, _, address in addresses:
        with socket.socket(family, socket.SOCK_STREAM, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                return error.errno
    return None


def ask(server: ServerSettings) -> ReadyReport:
    """Whether the server that listens there works; raises ClientError if it is not wordai_jobs."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)
    with Client(http_url(host, server.port)) as client:
        return client.ready()
