"""The web page at `/`, its modules below `/static`, and what it has to know of the server."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from flask import Blueprint, Response, jsonify, send_from_directory

from wordai_jobs import __version__
from wordai_jobs.config import AuthSettings
from wordai_jobs.errors import AppError
from wordai_jobs.web.answers import PageSettingsAnswer
from wordai_jobs.web.openapi.operation import Answer, Operation

STATIC = Path(__file__).resolve().parents[1] / "static"
# What is not listed is not served.
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

_SELF = "'self'"
# Where the Firebase SDK signs users in and renews their tokens.
_FIREBASE_APIS = ("https://identitytoolkit.googleapis.com", "https://securetoken.googleapis.com")
# Sign-in with Google opens a window of the project's own domain, and talks to it with this script.
_GOOGLE_SCRIPTS = "https://apis.google.com"


class NoSuchFile(AppError):
    """The page has no file of this name."""

    status = 404

    def __init__(self) -> None:
        super().__init__("File not found")


@dataclass(frozen=True, slots=True)
class SignIn:
    """How users of the page sign in. `emulator` is the host and port of a Firebase Auth emulator,
    empty without one.
    """

    mode: str
    firebase_web_config: Mapping[str, str]
    emulator: str

    @staticmethod
    def of(auth: AuthSettings, environ: Mapping[str, str] = os.environ) -> "SignIn":
        emulator = environ.get("FIREBASE_AUTH_EMULATOR_HOST", "") if auth.mode == "firebase" else ""
        return SignIn(auth.mode, auth.firebase_web_config, emulator)

    def view(self) -> dict[str, Any]:
        """What the page needs to know; nothing in it is secret, for browsers read it before anyone
        has signed in.
        """
        if self.mode != "firebase":
            return {"mode": self.mode}
        return {
            "mode": self.mode,
            "firebase": dict(self.firebase_web_config),
            "emulator": self.emulator or None,
        }

    @property
    def content_security_policy(self) -> str:
        scripts, connections, frame = [_SELF], [_SELF], "'none'"
        if self.mode == "firebase":
            connections += _FIREBASE_APIS
        if self.emulator:
            connections.append(f"http://{self.emulator}")
        elif auth_domain := self.firebase_web_config.get("authDomain"):
            scripts.append(_GOOGLE_SCRIPTS)
            frame = f"https://{auth_domain}"
        return "; ".join(
            [
                "default-src 'none'",
                f"script-src {' '.join(scripts)}",
                "style-src 'self'",
                "img-src 'self'",
                f"connect-src {' '.join(connections)}",
                f"frame-src {frame}",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            ]
        )


def create_blueprint(sign_in: SignIn, max_upload_mb: int) -> Blueprint:
    """The page for a server with these settings."""
    blueprint = Blueprint("page", __name__)

    @blueprint.get("/")
    @Operation(
        "The web page: sign in, upload, watch progress, read the chapter",
        Answer(
            200,
            "The page",
            media_types=("text/html",),
            headers=("ETag", "Cache-Control", "Content-Security-Policy"),
        ),
        access="open",
    )
    def index() -> Response:
        response = send_from_directory(STATIC / "app", "index.html", mimetype="text/html")
        response.headers["Content-Security-Policy"] = sign_in.content_security_policy
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @blueprint.get("/app-config.json")
    @Operation(
        "What the web page has to know",
        Answer(200, "Nothing in it is secret", PageSettingsAnswer),
        access="open",
    )
    def app_config() -> Response:
        return jsonify(
            {"version": __version__, "max_upload_mb": max_upload_mb, "auth": sign_in.view()}
        )

    @blueprint.get("/static/<path:name>")
    @Operation(
        "The web page's files, and the polling client `poll-job.js` for other pages",
        Answer(
            200,
            "The file",
            media_types=tuple(_MEDIA_TYPES.values()),
            headers=("ETag", "Cache-Control"),
        ),
        {404: "File not found"},
        access="open",
    )
    def static_file(name: str) -> Response:
        media_type = _MEDIA_TYPES.get(PurePosixPath(name).suffix)
        if media_type is None:
            raise NoSuchFile
        response = send_from_directory(STATIC, name, mimetype=media_type)
        # Pages of other origins import the polling client. CORS says which may; this is for those
        # that isolate themselves.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    return blueprint
