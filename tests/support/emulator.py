"""Firebase's own Auth emulator: signs users up and makes their tokens, without a network."""

import json
import os
import signal
import subprocess
from pathlib import Path

import requests

from tests.support.server import ROOT, free_port, wait_until_up
from tests.support.tools import missing

# With this prefix the emulator does not look for a real project.
PROJECT = "demo-wordai"
_PROGRAM = ROOT / "tests" / "acceptance" / "node_modules" / ".bin" / "firebase"
_LONG_AFTER_MS = 4_102_444_800_000  # 2100


class FirebaseEmulator:
    """The emulator as a process group; its start takes about ten seconds of processor time."""

    _process: subprocess.Popen[bytes]

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "emulator.log"
        self._port = free_port()
        self._address = f"127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """With this, firebase-admin accepts the emulator's tokens."""
        return {"FIREBASE_AUTH_EMULATOR_HOST": self._address}

    def launch(self) -> "FirebaseEmulator":
        """Start the process and return at once."""
        if not _PROGRAM.exists():
            missing("firebase-tools (make test-tools)")
        self._write_configuration()
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [str(_PROGRAM), "emulators:start", "--only", "auth", "--project", PROJECT],
                cwd=self._folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def wait_until_ready(self) -> "FirebaseEmulator":
        wait_until_up(self._process, self._port, "/", self._log, timeout_s=300)
        return self

    def sign_up(self, email: str) -> tuple[str, str]:
        """A new user's id and ID token."""
        response = requests.post(
            f"http://{self._address}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=any",
            json={"email": email, "password": "correct horse", "returnSecureToken": True},
            timeout=60,
        )
        signed_up = response.json()
        return signed_up["localId"], signed_up["idToken"]

    def stop(self) -> None:
        """At once, with all that it has started: it keeps nothing outside the test's folder."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)

    def _write_configuration(self) -> None:
        ports = {"auth": self._port, "hub": free_port(), "logging": free_port()}
        emulators = {name: {"host": "127.0.0.1", "port": port} for name, port in ports.items()}
        configuration = {"emulators": {**emulators, "ui": {"enabled": False}}}
        (self._folder / "firebase.json").write_text(json.dumps(configuration))
        settings = self._folder / "configstore" / "firebase-tools.json"
        settings.parent.mkdir()
        # It would fetch news from its makers once a day, and report its use.
        settings.write_text(json.dumps({"motd": {"fetched": _LONG_AFTER_MS}, "usage": False}))

    def _environment(self) -> dict[str, str]:
        own = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "TMPDIR"), str(self._folder))
        return {**os.environ, **own, "NO_UPDATE_NOTIFIER": "1", "CI": "true"}
