"""How URLs of servers are written."""


def http_url(host: str, port: int) -> str:
    """Such as `http://127.0.0.1:8000`; an IPv6 address is in brackets (RFC 3986, 3.2.2)."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
