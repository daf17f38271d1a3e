"""Checks the data folder, and the secret key in it."""

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
        is_full = error.errno in FULL_DISK
        advice = "make room" if is_full else "correct its permissions, or set storage.data_dir"
        problem = f"{path} cannot be written: {error.strerror}"
        return Finding(check, Level.PROBLEM, problem, advice)
    free = f"{path}, {shutil.disk_usage(path).free / 1e9:.1f} GB free"
    if not folder.has_room_for(config.limits.max_upload_mb * 1024 * 1024):
        problem = f"{free}: no room for a PDF of limits.max_upload_mb"
        return Finding(check, Level.PROBLEM, problem, "make room")
    return Finding(check, Level.OK, free)


def _missing_storage(check: str, path: Path) -> Finding:
    parent = next(parent for parent in path.parents if parent.exists())
    if os.access(parent, os.W_OK | os.X_OK):
        return Finding(check, Level.OK, f"{path} does not exist yet, and will be created")
    return Finding(
        check,
        Level.PROBLEM,
        f"{path} does not exist, and cannot be created in {parent}",
        "create it for the user that the server runs as, or set storage.data_dir",
    )


def secret_key(config: Config) -> Finding:
    check, path = "secret key", Path(config.storage.data_dir).absolute() / "secret_key"
    key = config.server.secret_key
    if key:
        if len(key) < _SHORTEST_SECRET:
            return Finding(
                check,
                Level.PROBLEM,
                f"server.secret_key has only {len(key)} characters and can be guessed",
                "use 32 or more random characters, or leave it empty to have a key created",
            )
        return Finding(check, Level.OK, "set by server.secret_key")
    try:
        text, mode = path.read_text(encoding="ascii"), path.stat().st_mode
    except FileNotFoundError:
        return Finding(check, Level.OK, "will be created at the first start")
    except (OSError, UnicodeDecodeError):
        return Finding(
            check,
            Level.PROBLEM,
            f"{path} cannot be read",
            "run this as the server's user, or correct its permissions",
        )
    if not text.strip():
        advice = "delete it, or set server.secret_key"
        return Finding(check, Level.PROBLEM, f"{path} is empty", advice)
    if mode & 0o077:
        return Finding(check, Level.WARNING, f"other users can read {path}", f"chmod 600 {path}")
    return Finding(check, Level.OK, f"in {path}")
