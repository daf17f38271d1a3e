"""Firebase ID tokens: firebase-admin verifies signature, audience, issuer, expiry and subject."""

import logging
import os
from uuid import uuid4

import firebase_admin
import google.auth.credentials
import google.auth.jwt
from firebase_admin import auth, credentials
from firebase_admin.exceptions import FirebaseError
from google.auth.exceptions import GoogleAuthError

from wordai_jobs.auth.certificates import RETRY_S, Certificates
from wordai_jobs.auth.verifier import Verified
from wordai_jobs.errors import SignInUnavailable, StartError, Unauthenticated

# With this variable firebase-admin accepts tokens of an emulator, which nobody signs.
EMULATOR_VARIABLE = "FIREBASE_AUTH_EMULATOR_HOST"
# Google's clock and this machine's may differ by some seconds, and a token may be used as soon as
# it is issued.
_CLOCK_SKEW_S = 10

logger = logging.getLogger(__name__)


class _NoCredential(credentials.Base):  # type: ignore[misc]  # firebase-admin has no types
    """Verifying a token needs only the project's id, but firebase-admin looks for credentials
    unless it is given one.
    """

    def get_credential(self) -> google.auth.credentials.Credentials:
        return google.auth.credentials.AnonymousCredentials()  # type: ignore[no-untyped-call]


class FirebaseTokens:
    """Verifies the tokens of one Firebase project."""

    def __init__(
        self,
        project_id: str,
        credentials_file: str,
        *,
        is_loopback: bool,
        certificates: Certificates | None = None,
    ) -> None:
        """`is_loopback`: only this machine can reach the server, so an emulator may make tokens.

        Raises StartError if verification cannot be set up: no server runs without it.
        """
        if os.environ.get(EMULATOR_VARIABLE):
            if not is_loopback:
                raise StartError(
                    "FIREBASE_AUTH_EMULATOR_HOST is set, so tokens would not be verified: "
                    "unset it, or set server.host to 127.0.0.1"
                )
            logger.warning(
                "FIREBASE_AUTH_EMULATOR_HOST is set: tokens are not verified, anyone can be anyone"
            )
        self._certificates = certificates or Certificates()
        try:
            credential = (
                credentials.Certificate(credentials_file) if credentials_file else _NoCredential()
            )
            # firebase-admin keeps its apps by name, for the whole process.
            self._app = firebase_admin.initialize_app(
                credential, {"projectId": project_id}, name=f"wordai_jobs {uuid4()}"
            )
            # firebase-admin creates its verifier on first use, but a project id that it refuses
            # must stop the start.
            verifier = auth._get_client(self._app)._token_verifier
        except (ValueError, OSError, FirebaseError, GoogleAuthError) as error:
            raise StartError(f"Firebase token verification cannot be set up: {error}") from error
        # Its own transport fetches on the threads that serve requests, and forgets what expires.
        verifier.request = self._certificates

    def verify(self, token: str) -> Verified:
        try:
            claims = auth.verify_id_token(token, app=self._app, clock_skew_seconds=_CLOCK_SKEW_S)
            return Verified(str(claims["uid"]), float(claims["exp"]))
        except auth.CertificateFetchError as error:
            raise SignInUnavailable(RETRY_S) from error
        except Exception as error:
            # Hostile tokens provoke errors that the library did not foresee; all of them refuse.
            key_id = _key_id(token)
            if key_id and self._certificates.may_lack(key_id):
                raise SignInUnavailable(RETRY_S) from error
            raise Unauthenticated from error


def _key_id(token: str) -> str | None:
    """The id of the key with which the token says it is signed."""
    try:
        key_id = google.auth.jwt.decode_header(token)["kid"]  # type: ignore[no-untyped-call]
    except Exception:  # as above
        return None
    return key_id if isinstance(key_id, str) else None
