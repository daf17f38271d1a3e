"""Firebase's own Auth emulator: signs users up and makes their tokens, without a network."""

import os
import subprocess
from pathlib import Path

import requests

from tests.support.server import ROOT, free_port, wait_until_up
from tests.support.tools import missing, program

# With this prefix the emulator does not look for a real project.
PROJECT = "demo-wordai"
_FOLDER = ROOT / "tests" / "acceptance"
_MODULE = _FOLDER / "node_modules" / "firebase-tools" / "lib" / "emulator" / "auth"
# What `firebase emulators:start --only auth` starts, without a hub and settings around it. Checking
# its own description of its interface takes most of its start, so that is left out.
_START = """
const {createRequire} = require("module");
const [module, port, projectId] = process.argv.slice(1);
const {default: Ajv} = createRequire(createRequire(module).resolve("exegesis"))("ajv");
Ajv.prototype.validateSchema = () => true;
const {AuthEmulator} = require(module);
new AuthEmulator({host: "127.0.0.1", port: Number(port), projectId}).start();
"""


class FirebaseEmulator:
    """The emulator as a process."""

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

    def __enter__(self) -> "FirebaseEmulator":
        if not _MODULE.exists():
            missing("firebase-tools (make test-tools)")
        node = program("node", "nodejs")
        # It keeps its settings there, and none of the person who runs the tests.
        own = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "TMPDIR"), str(self._folder))
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [node, "-e", _START, str(_MODULE), str(self._port), PROJECT],
                cwd=self._folder,
                env={**os.environ, **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            wait_until_up(self._process, self._port, "/", self._log)
        except BaseException:
            self._end()
            raise
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

    def __exit__(self, *error: object) -> None:
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait(30)
