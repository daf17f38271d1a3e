"""Checks the data folder, the object store if there is one, and the secret key."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from wordai_jobs.config import Config
from wordai_jobs.doctor.finding import Finding, Level
from wordai_jobs.errors import FULL_DISK, StartError, StorageError, StorageFull
from wordai_jobs.maintenance import data_folder
from wordai_jobs.storage.objects.keys import IDENTITY

if TYPE_CHECKING:
    from wordai_jobs.storage.objects.store import ObjectStore

_SHORTEST_SECRET = 16
_ADDRESS_TIMEOUT_S = 10


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


def object_store(config: Config) -> Iterator[Finding]:
    """Nothing if files are in the data folder."""
    check, url = "object store", config.storage.url
    if not url:
        return
    try:
        from wordai_jobs.storage.objects.store import ObjectStore

        with closing(ObjectStore(url, request_slots=1)) as store:
            problem = _why_not_usable(store)
    except StartError as error:
        yield Finding(check, Level.PROBLEM, str(error))
        return
    if problem:
        advice = "correct storage.url, or the credentials and rights in docs/scaling.md"
        yield Finding(check, Level.PROBLEM, f"{url}: {problem}", advice)
    else:
        yield Finding(check, Level.OK, f"{url}: objects can be stored, listed, read and deleted")


def _why_not_usable(store: "ObjectStore") -> str | None:
    """Try everything that the server does, with an object of the check's own."""
    prefix, content = f"doctor-{secrets.token_hex(8)}/", b"Can this be stored and read?"
    key = f"{prefix}probe"
    step = "read"
    try:
        store.get(IDENTITY)
        step = "store an object"
        store.put(key, content)
        step = "read an object"
        if store.get(key) != content:
            return "what is read differs from what was stored"
        step = "list objects"
        if [found.key for found in store.under(prefix)] != [key]:
            return "a new object is not listed"
        step = "sign an address"
        address = store.address(key, timedelta(minutes=1))
        step = "read an object at its signed address"
        if requests.get(address, timeout=_ADDRESS_TIMEOUT_S).content != content:
            return f"cannot {step}"
        step = "delete an object"
        store.remove([key])
        if store.find(key):
            return "a deleted object can still be found"
    except StorageError as error:
        return f"cannot {step}: {error.message}"
    except requests.RequestException:
        return f"cannot {step}: it cannot be reached"
    except StorageFull:
        return "it is full"
    return None


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
