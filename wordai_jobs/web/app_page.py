"""The app at `/`, its files below `/static`, and what it needs to know of the server."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from flask import Blueprint, Response, jsonify, send_from_directory

from wordai_jobs import __version__
from wordai_jobs.config import AuthSettings, LimitsSettings
from wordai_jobs.errors import AppError
from wordai_jobs.web.openapi.operation import Operation, Success
from wordai_jobs.web.response_bodies import AppConfigBody, DevSignIn, FirebaseSignIn
from wordai_jobs.web.services import services

_STATIC = Path(__file__).resolve().parents[1] / "static"
# Files of other types are not served.
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

_SELF = "'self'"
# The Firebase SDK signs users in and renews their tokens there.
_FIREBASE_APIS = ("https://identitytoolkit.googleapis.com", "https://securetoken.googleapis.com")
# Sign-in with Google opens a window of the project's own domain, and talks to it with this script.
_GOOGLE_SCRIPTS = "https://apis.google.com"


class NoSuchFile(AppError):
    """The app has no file of this name."""

    status = 404

    def __init__(self) -> None:
        super().__init__("File not found")


@dataclass(frozen=True, slots=True)
class SignIn:
    """How users of the app sign in. `emulator` is the host and port of a Firebase Auth emulator,
    empty without one.
    """

    mode: str
    firebase_web_config: Mapping[str, str]
    emulator: str

    @staticmethod
    def of(auth: AuthSettings, environ: Mapping[str, str] = os.environ) -> "SignIn":
        emulator = environ.get("FIREBASE_AUTH_EMULATOR_HOST", "") if auth.mode == "firebase" else ""
        return SignIn(auth.mode, auth.firebase_web_config, emulator)

    @property
    def body(self) -> DevSignIn | FirebaseSignIn:
        """What the app needs to know. None of it is secret: browsers read it before anyone has
        signed in.
        """
        if self.mode != "firebase":
            return {"mode": "dev"}
        return {
            "mode": "firebase",
            "firebase": dict(self.firebase_web_config),
            "emulator": self.emulator or None,
        }

    def content_security_policy(self, image_origin: str | None = None) -> str:
        """What the app may load. `image_origin`: where page images are, if they are elsewhere."""
        images = [_SELF, image_origin] if image_origin else [_SELF]
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
                f"img-src {' '.join(images)}",
                f"connect-src {' '.join(connections)}",
                f"frame-src {frame}",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            ]
        )


def create_blueprint(sign_in: SignIn, limits: LimitsSettings) -> Blueprint:
    """The app for a server with these settings."""
    blueprint = Blueprint("app", __name__)

    @blueprint.get("/")
    @Operation(
        "Open the app: sign in, upload, watch progress, read the chapter",
        Success(
            200,
            "The app",
            media_types=("text/html",),
            headers=("ETag", "Cache-Control", "Content-Security-Policy"),
        ),
        access="open",
    )
    def index() -> Response:
        response = send_from_directory(_STATIC / "app", "index.html", mimetype="text/html")
        response.headers["Content-Security-Policy"] = sign_in.content_security_policy(
            services().storage.image_origin()
        )
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @blueprint.get("/app-config.json")
    @Operation(
        "Get the settings that the app needs",
        Success(200, "None of them is secret", AppConfigBody),
        access="open",
    )
    def config() -> Response:
        return jsonify(
            AppConfigBody(
                version=__version__,
                max_upload_mb=limits.max_upload_mb,
                max_stored_mb_per_user=limits.max_stored_mb_per_user,
                auth=sign_in.body,
            )
        )

    @blueprint.get("/static/<path:name>")
    @Operation(
        "Get a file of the app, or the polling client `poll-job.js` for pages elsewhere",
        Success(
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
        response = send_from_directory(_STATIC, name, mimetype=media_type)
        # Pages on other origins import the polling client. CORS decides which may; this header is
        # for pages that isolate themselves.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    return blueprint
