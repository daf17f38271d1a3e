"""The app at `/`, its files below `/static`, and what it needs to know of the server."""

import base64
import hashlib
import html
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from flask import Blueprint, Response, request, send_from_directory

from wordai_jobs import __version__
from wordai_jobs.config import AuthSettings, LimitsSettings
from wordai_jobs.errors import AppError
from wordai_jobs.web.openapi.operation import Operation, Success
from wordai_jobs.web.services import services

_STATIC = Path(__file__).resolve().parents[1] / "static"
# Files of other types are not served.
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

# Files below `/static/release-…/` never change: browsers keep them for a year without asking.
_RELEASE_MARK = "release-"
_YEAR_S = 31_536_000

# `index.html` names for each of them what is fetched at once.
_LANGUAGES = ("en", "vi")
_FETCHED_FOR = re.compile(r' *<link[^>]* data-for="(\w+)">\n')

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
    def is_possible(self) -> bool:
        return self.mode != "firebase" or bool(self.firebase_web_config.get("apiKey"))

    @property
    def body(self) -> dict[str, object]:
        """What the app needs to know."""
        if self.mode != "firebase":
            return {"mode": "dev"}
        return {
            "mode": "firebase",
            "firebase": dict(self.firebase_web_config),
            "emulator": self.emulator or None,
        }

    def content_security_policy(self, inline_script: str, image_origin: str | None = None) -> str:
        """What the app may load. `image_origin`: where page images are, if they are elsewhere."""
        images = [_SELF, image_origin] if image_origin else [_SELF]
        digest = base64.b64encode(hashlib.sha256(inline_script.encode()).digest()).decode()
        scripts, connections, frame = [_SELF, f"'sha256-{digest}'"], [_SELF], "'none'"
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
    release = f"{_RELEASE_MARK}{_fingerprint(_STATIC)}/"
    config = {
        "version": __version__,
        "max_upload_mb": limits.max_upload_mb,
        "max_stored_mb_per_user": limits.max_stored_mb_per_user,
        "auth": sign_in.body,
    }
    mode = sign_in.mode if sign_in.is_possible else ""
    recovery = (_STATIC / "app" / "recovery.js").read_text(encoding="utf-8")
    pages = {
        language: _page(release, config, recovery, {language, mode}) for language in _LANGUAGES
    }

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
        language = request.accept_languages.best_match(_LANGUAGES, _LANGUAGES[0])
        response = Response(pages[language], mimetype="text/html")
        response.headers["Content-Security-Policy"] = sign_in.content_security_policy(
            recovery, services().storage.image_origin()
        )
        response.headers["Referrer-Policy"] = "no-referrer"
        response.cache_control.no_cache = True
        response.add_etag()
        response.make_conditional(request)
        return response

    @blueprint.get("/static/<path:name>")
    @Operation(
        "Get a file of the app, or the polling client `poll-job.js` for other origins",
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
        is_this_release = name.startswith(release)
        if name.startswith(_RELEASE_MARK):
            # A page of another release gets what is there now, which its browser does not keep.
            name = name.partition("/")[2]
        media_type = _MEDIA_TYPES.get(PurePosixPath(name).suffix)
        if media_type is None:
            raise NoSuchFile
        response = send_from_directory(_STATIC, name, mimetype=media_type)
        if is_this_release:
            response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
        # Pages on other origins import the polling client. CORS decides which may; this header is
        # for pages that isolate themselves.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    return blueprint


def _page(release: str, config: Mapping[str, object], recovery: str, fetched_for: set[str]) -> str:
    """index.html with the addresses of this release's files and with what the app needs to know.

    None of that is secret: browsers read it before anyone has signed in.
    """
    text = (_STATIC / "app" / "index.html").read_text(encoding="utf-8")
    text = _FETCHED_FOR.sub(lambda link: link[0] if link[1] in fetched_for else "", text)
    text = text.replace('"/static/', f'"/static/{release}')
    text = text.replace("{recovery}", recovery)
    return text.replace("{app-config}", html.escape(json.dumps(config)))


def _fingerprint(folder: Path) -> str:
    """A name for the contents of all files that are served from this folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".html", *_MEDIA_TYPES):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder)} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:12]
