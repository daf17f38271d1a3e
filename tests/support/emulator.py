"""Firebase's own Auth emulator: signs users up and makes their tokens, on this machine and without
a network.
"""

import json
import os
import signal
import subprocess
from pathlib import Path

import requests

from tests.support.server import ROOT, free_port
from tests.support.tools import missing
from tests.support.waiting import wait_until

# The emulator takes a project whose name starts so for one that does not exist.
PROJECT = "demo-wordai"
_PROGRAM = ROOT / "tests" / "acceptance" / "node_modules" / ".bin" / "firebase"
_LONG_AFTER_MS = 4_102_444_800_000  # 2100


class FirebaseEmulator:
    """The emulator as a process group of its own. It takes about ten seconds of processor time to
    start.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._address = f"127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What makes firebase-admin take the emulator's tokens."""
        return {"FIREBASE_AUTH_EMULATOR_HOST": self._address}

    def launch(self) -> "FirebaseEmulator":
        """Start the process and return at once."""
        if not _PROGRAM.exists():
            missing("firebase-tools (make test-tools)")
        self._write_configuration()
        with open(self._folder / "emulator.log", "wb") as log:
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
        wait_until(self._answers, 300, "the Firebase Auth emulator")
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
        """All it knows is in memory and the test's folder, so it may end at once, with whatever it
        has started.
        """
        assert self._process
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self._folder / "emulator.log").read_text()
        try:
            return requests.get(f"http://{self._address}/", timeout=30).ok
        except requests.ConnectionError:
            return False

    def _write_configuration(self) -> None:
        host, port = self._address.split(":")
        (self._folder / "firebase.json").write_text(
            json.dumps(
                {
                    "emulators": {
                        "auth": {"host": host, "port": int(port)},
                        "hub": {"host": host, "port": free_port()},
                        "logging": {"host": host, "port": free_port()},
                        "ui": {"enabled": False},
                    }
                }
            )
        )
        settings = self._folder / "configstore" / "firebase-tools.json"
        settings.parent.mkdir()
        # News from its makers are fetched once a day: not in this century. Nor is use reported.
        settings.write_text(json.dumps({"motd": {"fetched": _LONG_AFTER_MS}, "usage": False}))

    def _environment(self) -> dict[str, str]:
        own = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "TMPDIR"), str(self._folder))
        return {**os.environ, **own, "NO_UPDATE_NOTIFIER": "1", "CI": "true"}
