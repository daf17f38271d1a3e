"""How addresses are written, and which of them are this machine's own."""

import re

# Without a look-up: a name in DNS may point anywhere, also to this machine.
_LOOPBACK = re.compile(r"localhost|(::ffff:)?127(\.\d{1,3}){1,3}|::1", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:\[([^\[\]]*)\]|([^\[\]:]*))(?::\d*)?")


def http_url(host: str, port: int) -> str:
    """Such as `http://127.0.0.1:8000`; an IPv6 address is in brackets (RFC 3986, 3.2.2)."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def host_of(authority: str) -> str:
    """The host in `host:port` or `[IPv6]:port`; the port may be missing. Empty if it is neither."""
    found = _AUTHORITY.fullmatch(authority)
    return (found[1] or found[2] or "") if found else ""


def is_loopback(host: str) -> bool:
    """Whether the host, a name or an address without brackets, can only be this machine."""
    return _LOOPBACK.fullmatch(host) is not None
