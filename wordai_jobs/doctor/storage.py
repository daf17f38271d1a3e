"""The data folder and the key in it."""

import os
import shutil
from pathlib import Path

from wordai_jobs.config import Config
from wordai_jobs.doctor.finding import Finding, Level
from wordai_jobs.errors import FULL_DISK, StartError
from wordai_jobs.maintenance import data_folder

_SHORTEST_SECRET = 16


def storage(config: Config) -> Finding:
    check, path = "storage", Path(config.storage.data_dir).absolute()
    try:
        if not path.exists():
            return _missing_storage(check, path)
        folder = data_folder(config)
        folder.check_writable()
        folder.check_one_file_system()
    except StartError as error:
        return Finding(check, Level.PROBLEM, str(error), "or set storage.data_dir")
    except OSError as error:
        return Finding(
            check,
            Level.PROBLEM,
            f"{path} cannot be written: {error.strerror}",
            "make room"
            if error.errno in FULL_DISK
            else "correct its permissions, or set storage.data_dir",
        )
    free = f"{path}, {shutil.disk_usage(path).free / 1e9:.1f} GB free"
    if not folder.has_room_for(config.limits.max_upload_mb * 1024 * 1024):
        return Finding(
            check, Level.PROBLEM, f"{free}: no room for a PDF of limits.max_upload_mb", "make room"
        )
    return Finding(check, Level.OK, free)


def _missing_storage(check: str, path: Path) -> Finding:
    parent = next(parent for parent in path.parents if parent.exists())
    if os.access(parent, os.W_OK | os.X_OK):
        return Finding(check, Level.OK, f"{path} is not there yet, and will be made")
    return Finding(
        check,
        Level.PROBLEM,
        f"{path} is not there, and cannot be made in {parent}",
        "make it for the user that the server runs as, or set storage.data_dir",
    )


def secret_key(config: Config) -> Finding:
    check, path = "secret key", Path(config.storage.data_dir).absolute() / "secret_key"
    key = config.server.secret_key
    if key:
        if len(key) < _SHORTEST_SECRET:
            return Finding(
                check,
                Level.PROBLEM,
                f"server.secret_key has {len(key)} characters, which can be guessed",
                "use 32 or more random ones, or leave it empty to have one made",
            )
        return Finding(check, Level.OK, "set by server.secret_key")
    try:
        text, mode = path.read_text(encoding="ascii"), path.stat().st_mode
    except FileNotFoundError:
        return Finding(check, Level.OK, "will be made at the first start")
    except (OSError, UnicodeDecodeError):
        return Finding(
            check,
            Level.PROBLEM,
            f"{path} cannot be read",
            "run this as the server's user, or correct its permissions",
        )
    if not text.strip():
        return Finding(
            check, Level.PROBLEM, f"{path} is empty", "delete it, or set server.secret_key"
        )
    if mode & 0o077:
        return Finding(check, Level.WARNING, f"others can read {path}", f"chmod 600 {path}")
    return Finding(check, Level.OK, f"in {path}")
