"""Google for a server in mode firebase: signs tokens, and serves the certificate to verify them.

The server itself is not changed. It fetches certificates from www.googleapis.com over TLS, through
the proxy named by HTTPS_PROXY. That proxy is here and answers in Google's place, with a certificate
of an authority that the server is told to trust.
"""

import json
import socket
import ssl
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import jwt
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.support.listener import Listener

PROJECT = "wordai-test"
ISSUER = "https://securetoken.google.com/"
KEY_ID = "key-1"
HOST = "www.googleapis.com"


class Google(Listener):
    """A server with `environment` takes its tokens for Google's. If it `is_away`, it hangs up."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        signer = authority.issue_cert(
            "securetoken.system.gserviceaccount.com", key_type=trustme.KeyType.RSA
        )
        key = load_pem_private_key(signer.private_key_pem.bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.key = key
        self.public_pem = signer.cert_chain_pems[0].bytes()
        self.requests = 0
        self.is_away = False
        self.cache_control = "public, max-age=21600"
        self.body = json.dumps({KEY_ID: self.public_pem.decode()})
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._site = authority.issue_cert(HOST)
        self._site.configure_cert(self._tls)
        super().__init__(self._answer)

    @property
    def environment(self) -> dict[str, str]:
        proxy = f"http://127.0.0.1:{self.port}"
        return {
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "REQUESTS_CA_BUNDLE": str(self.authority),
            "NO_PROXY": "127.0.0.1",
        }

    def token(
        self,
        user_id: str | None = "alice",
        key: rsa.RSAPrivateKey | None = None,
        kid: str = KEY_ID,
        **claims: Any,
    ) -> str:
        """An ID token as Firebase makes them; `claims` replace its own, and None removes one."""
        now = int(time.time())
        own: dict[str, Any] = {
            "iss": ISSUER + PROJECT,
            "aud": PROJECT,
            "auth_time": now - 60,
            "user_id": user_id,
            "sub": user_id,
            "iat": now - 60,
            "exp": now + 3600,
            "firebase": {"sign_in_provider": "password", "identities": {}},
        }
        payload = {name: value for name, value in {**own, **claims}.items() if value is not None}
        return jwt.encode(payload, key or self.key, algorithm="RS256", headers={"kid": kid})

    def write_site(self, folder: Path) -> None:
        """Files for another server in its place, which containers can reach under its name."""
        self._site.private_key_and_cert_chain_pem.write_to_path(str(folder / "site.pem"))
        (folder / "certificates.json").write_text(self.body)

    def _answer(self, connection: socket.socket, *_: object) -> None:
        with connection:
            if self.is_away:
                return
            assert _request(connection).startswith(f"CONNECT {HOST}:443 ")
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self._tls.wrap_socket(connection, server_side=True) as secured:
                assert "/robot/v1/metadata/x509/securetoken" in _request(secured)
                self.requests += 1
                head = (
                    "HTTP/1.1 200 OK",
                    "Content-Type: application/json",
                    f"Cache-Control: {self.cache_control}",
                    f"Date: {formatdate(usegmt=True)}",
                    "Connection: close",
                    f"Content-Length: {len(self.body)}",
                )
                secured.sendall("\r\n".join([*head, "", self.body]).encode())


def _request(connection: socket.socket) -> str:
    received = b""
    while b"\r\n\r\n" not in received and (block := connection.recv(4096)):
        received += block
    return received.decode("latin-1")
