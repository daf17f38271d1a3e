"""Signs addresses of S3 as of an earlier moment, so that all servers sign the same ones.

The library signs as of now: another server, or the same one after a restart, would send browsers to
another address, and they would load images again that they have.
"""

import hashlib
import hmac
from datetime import datetime
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit


def signed_as_of(address: str, secret_key: str, moment: datetime) -> str:
    """The signed address, signed again (AWS Signature Version 4); `moment` is in UTC."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    del query["X-Amz-Signature"]
    access_key, _, region, service, ending = query["X-Amz-Credential"].split("/")
    day = f"{moment:%Y%m%d}"
    scope = "/".join((day, region, service, ending))
    query["X-Amz-Credential"] = f"{access_key}/{scope}"
    query["X-Amz-Date"] = f"{moment:%Y%m%dT%H%M%SZ}"
    encoded = urlencode(sorted(query.items()), quote_via=quote, safe="")
    request = "\n".join(
        ("GET", parts.path, encoded, f"host:{parts.netloc}", "", "host", "UNSIGNED-PAYLOAD")
    )
    digest = hashlib.sha256(request.encode()).hexdigest()
    to_sign = "\n".join(("AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, digest))
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, ending):
        key = _mac(key, part)
    signature = _mac(key, to_sign).hex()
    return urlunsplit(parts._replace(query=f"{encoded}&X-Amz-Signature={signature}"))


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
