"""Firebase ID tokens: firebase-admin verifies signature, audience, issuer, expiry and subject."""

import logging
import os
from uuid import uuid4

import firebase_admin
import google.auth.credentials
from firebase_admin import auth, credentials
from firebase_admin.exceptions import FirebaseError
from google.auth.exceptions import GoogleAuthError

from wordai_jobs.auth.verifier import Verified
from wordai_jobs.errors import StartError, Unauthenticated

# Google's certificates are fetched on a thread that serves requests; firebase-admin's default is
# 120 seconds.
_CERTIFICATES_TIMEOUT_S = 5
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

    def __init__(self, project_id: str, credentials_file: str) -> None:
        """Raises StartError if verification cannot be set up: no server runs without it."""
        try:
            credential = (
                credentials.Certificate(credentials_file) if credentials_file else _NoCredential()
            )
            options = {"projectId": project_id, "httpTimeout": _CERTIFICATES_TIMEOUT_S}
            # firebase-admin keeps its apps by name, for the whole process.
            self._app = firebase_admin.initialize_app(
                credential, options, name=f"wordai_jobs {uuid4()}"
            )
            # firebase-admin creates its verifier on first use, but a project id that it refuses
            # must stop the start.
            auth._get_client(self._app)
        except (ValueError, OSError, FirebaseError, GoogleAuthError) as error:
            raise StartError(f"Firebase token verification cannot be set up: {error}") from error
        if os.environ.get("FIREBASE_AUTH_EMULATOR_HOST"):
            logger.warning(
                "FIREBASE_AUTH_EMULATOR_HOST is set: tokens are not verified, anyone can be anyone"
            )

    def verify(self, token: str) -> Verified:
        try:
            claims = auth.verify_id_token(token, app=self._app, clock_skew_seconds=_CLOCK_SKEW_S)
            return Verified(str(claims["uid"]), float(claims["exp"]))
        except auth.CertificateFetchError as error:
            logger.error(
                "Google's certificates cannot be fetched, so no token can be verified: %s", error
            )
            raise Unauthenticated from error
        except Exception as error:
            # Hostile tokens provoke errors that the library did not foresee; all of them refuse.
            raise Unauthenticated from error
