"""Writes deploy/requirements*.txt: the packages of the image, each with the hashes of its wheels.

`make locks` asks pip which wheels it would install on each architecture, at the versions in
constraints.txt. It fails if a package has no wheel for one of them.
"""

import configparser
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
_PYTHON = "3.11"
_MACHINES = ("x86_64", "aarch64")
# firebase-admin asks for the clients of Firestore and of Cloud Storage, 45 MB with gRPC. It loads
# them only for functions that nothing here calls.
LEFT_OUT = {
    "google-api-core",
    "google-cloud-core",
    "google-cloud-firestore",
    "google-cloud-storage",
    "google-crc32c",
    "google-resumable-media",
    "googleapis-common-protos",
    "grpcio",
    "grpcio-status",
    "opentelemetry-api",
    "proto-plus",
    "protobuf",
}
EXTRAS = ("embedded", "cluster")
_PLATFORMS = (
    "manylinux_2_28",
    "manylinux_2_24",
    "manylinux_2_17",
    "manylinux2014",
    "manylinux_2_5",
    "manylinux1",
)


def main() -> None:
    settings = configparser.ConfigParser()
    settings.read(_ROOT / "setup.cfg")
    own = settings["options"]["install_requires"]
    wheels = _wheels(own)
    _write("requirements.txt", {name: wheels[name] for name in wheels if not _is_left_out(name)})
    for extra in EXTRAS:
        more = _wheels(own + settings["options.extras_require"][extra])
        _write(
            f"requirements-{extra}.txt", {name: more[name] for name in more if name not in wheels}
        )
    _write("requirements-build.txt", _wheels("setuptools"))


def _wheels(requirements: str) -> dict[str, set[str]]:
    """The hashes of the wheels of each package, as `name==version`."""
    found: dict[str, set[str]] = {}
    for machine in _MACHINES:
        for item in _report(requirements, machine)["install"]:
            package = f"{item['metadata']['name'].lower()}=={item['metadata']['version']}"
            digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
            found.setdefault(package.replace("_", "-"), set()).add(digest)
    return found


def _report(requirements: str, machine: str) -> Any:
    """What pip would install on this kind of machine."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "requirements.in").write_text(requirements)
        options = [f"--platform={platform}_{machine}" for platform in _PLATFORMS]
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--dry-run", "--ignore-installed", "--report=report.json", "--target=target"),
            *("--only-binary=:all:", f"--python-version={_PYTHON}", "--implementation=cp"),
            *("--abi=cp311", "--abi=abi3", "--abi=none", *options),
            *("--constraint", str(_ROOT / "constraints.txt"), "--requirement=requirements.in"),
        ]
        subprocess.run(command, cwd=folder, check=True)
        return json.loads((Path(folder) / "report.json").read_text())


def _is_left_out(package: str) -> bool:
    return package.partition("==")[0] in LEFT_OUT


def _write(name: str, wheels: dict[str, set[str]]) -> None:
    lines = ["# Written by `make locks`: packages of the image, with the hashes of their wheels."]
    for package in sorted(wheels):
        hashes = [f"--hash=sha256:{digest}" for digest in sorted(wheels[package])]
        lines.append(" \\\n    ".join([package, *hashes]))
    (_ROOT / "deploy" / name).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
