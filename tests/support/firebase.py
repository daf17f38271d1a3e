"""Google as a server in mode firebase meets it: tokens signed by a key of the test's own, its
certificate served on loopback.

The server is left as it is. It fetches certificates from www.googleapis.com over TLS through the
proxy that HTTPS_PROXY names; that proxy is here, and answers in Google's place with a certificate
of an authority that the server is told to trust.
"""

import json
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.support.listener import Listener

PROJECT = "wordai-test"
ISSUER = "https://securetoken.google.com/"
KEY_ID = "key-1"
_HOST = "www.googleapis.com"

Claims = dict[str, Any]


class Google:
    """Signs tokens and serves the certificate they are verified with; `environment` makes a server
    believe in it.
    """

    def __init__(self, folder: Path) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.requests = 0
        self._certificate = _certificate("securetoken.system.gserviceaccount.com", self.key)
        self._context = _tls_context(folder)
        self._authority = folder / "authority.pem"
        self._listener = Listener(self._answer)

    @property
    def environment(self) -> dict[str, str]:
        proxy = f"http://127.0.0.1:{self._listener.port}"
        return {
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "REQUESTS_CA_BUNDLE": str(self._authority),
            "NO_PROXY": "127.0.0.1",
        }

    def close(self) -> None:
        self._listener.close()

    @property
    def public_pem(self) -> bytes:
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def token(
        self,
        user_id: str | None = "alice",
        key: rsa.RSAPrivateKey | None = None,
        kid: str = KEY_ID,
        **claims: Any,
    ) -> str:
        """An ID token as Firebase makes them; `claims` replace its own, and None takes one away."""
        now = int(time.time())
        own: Claims = {
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

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            assert _request(connection).startswith(f"CONNECT {_HOST}:443 ")
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self._context.wrap_socket(connection, server_side=True) as secured:
                assert "/robot/v1/metadata/x509/securetoken" in _request(secured)
                self.requests += 1
                body = json.dumps({KEY_ID: self.public_pem.decode()}).encode()
                secured.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: public, max-age=21600\r\n"
                    b"Date: %b\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
                    % (formatdate(usegmt=True).encode(), len(body), body)
                )


def _request(connection: socket.socket) -> str:
    received = b""
    while b"\r\n\r\n" not in received:
        block = connection.recv(4096)
        if not block:
            break
        received += block
    return received.decode("latin-1")


def _tls_context(folder: Path) -> ssl.SSLContext:
    """Speaks as Google's host; writes the authority's certificate into the folder."""
    authority_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    authority = _certificate("test authority", authority_key, is_authority=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = _certificate(_HOST, key, issuer=authority, issuer_key=authority_key)
    (folder / "authority.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    chain = folder / "google.pem"
    chain.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


def _certificate(
    name: str,
    key: rsa.RSAPrivateKey,
    is_authority: bool = False,
    issuer: x509.Certificate | None = None,
    issuer_key: rsa.RSAPrivateKey | None = None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signing_key = issuer_key or key
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name.replace(" ", "-"))]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
        .sign(signing_key, hashes.SHA256())
    )
