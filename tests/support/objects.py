"""An S3 server (SeaweedFS), and places in it for storage of a test's own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import obstore
from obstore.store import from_url

from tests.support.server import free_port, wait_until_up

_KEY, _SECRET = "wordai-jobs", "a-secret-of-the-tests"
_BUCKET = "books"
_PARTS = ("master", "volume", "filer", "s3")


class S3Server:
    """The server with all its parts, on free ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = {
            f"{part}.{port}": free_port() for part in _PARTS for port in ("port", "port.grpc")
        }
        self.port = self._ports["s3.port"]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which clients reach the server."""
        return environment_for(self.port)

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def start(self) -> "S3Server":
        self.folder.mkdir(parents=True, exist_ok=True)
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": _KEY, "secretKey": _SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        config = self.folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        options = [
            f"-dir={self.folder}",
            "-s3",
            f"-s3.config={config}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-master.volumeSizeLimitMB=64",
            "-master.telemetry=false",
            "-volume.max=20",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            # Small files go into its database, not into a volume each, which takes it longer.
            "-filer.saveToFilerLimit=16384",
            f"-filer.localSocket={self.folder}/filer.sock",
            f"-s3.localSocket={self.folder}/s3.sock",
            *(f"-{name}={port}" for name, port in self._ports.items()),
        ]
        program = Path(sys.executable).with_name("weed")
        log = self.folder / "log"
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                [program, "server", *options],
                env={**os.environ, "TMPDIR": str(self.folder)},  # where it writes further logs
                stdout=output,
                stderr=output,
            )
        wait_until_up(self.process, self.port, log=log)
        return self

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()


def environment_for(port: int) -> dict[str, str]:
    """As `S3Server.environment`, for a proxy on this port."""
    return {
        "AWS_ACCESS_KEY_ID": _KEY,
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }


class Bucket:
    """A place of the test's own in a bucket: its URL, and what is in it."""

    def __init__(self, server: S3Server) -> None:
        self.server = server
        self.url = f"s3://{_BUCKET}/{uuid4().hex[:8]}"
        self._client = _client(self.url, server.environment)
        # The server creates a bucket with its first object.
        obstore.put(_client(f"s3://{_BUCKET}", server.environment), "exists", b"yes")

    @property
    def keys(self) -> set[str]:
        """The keys of all objects."""
        return {found["path"] for batch in obstore.list(self._client) for found in batch}

    def below(self, prefix: str) -> set[str]:
        return {key for key in self.keys if key.startswith(prefix)}

    def get(self, key: str) -> bytes:
        return bytes(obstore.get(self._client, key).bytes())

    def remove(self, key: str) -> None:
        obstore.delete(self._client, key)

    def put(self, key: str, content: bytes) -> None:
        obstore.put(self._client, key, content)


def _client(url: str, environment: Mapping[str, str]) -> Any:
    # Given one by one: the environment of the tests must not change.
    config: Any = {name.lower(): value for name, value in environment.items()}
    return from_url(url, config=config, client_options={"allow_http": True})
