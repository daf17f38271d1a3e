"""Backup and restore of a database and of the files that belong to it.

A backup is a folder with `database/`, which has a file for each collection, with `uploads/` and
`chapters/` as in the data folder, `identity` and `secret_key`. Last comes `backup.json`: a folder
without it is not a complete backup.

A chapter is recorded after its files are in place, and they never change; its record is removed
before they are. So the database is read first and the files after it, and what is no longer
recorded then is left out.
"""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from wordai_jobs import __version__, pairing
from wordai_jobs.clock import isoformat, utc_now
from wordai_jobs.config import Config
from wordai_jobs.database.client import Database
from wordai_jobs.database.dump import leave_out, values
from wordai_jobs.errors import StartError
from wordai_jobs.files import write_secret
from wordai_jobs.linux import sync_file_system
from wordai_jobs.maintenance import connected, connected_beside_server, data_folder, locked
from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.storage import FolderStorage

_FORMAT = 1
_MANIFEST = "backup.json"
_DATABASE = "database"
_IDENTITY = "data_folder"  # the collection
_SECRETS = ("identity", "secret_key")


@dataclass(frozen=True, slots=True)
class Content:
    """What a backup has; `bytes` includes the database.

    `missing` is the number of chapters and uploads that had already lost files.
    """

    files: int
    bytes: int
    missing: int


def backup(config: Config, target: Path, *, with_files: bool = True) -> Content:
    """Write a backup into a new folder. A server may be running.

    Raises StartError, DatabaseError and OSError; then the folder is not a complete backup.
    """
    if with_files:
        _check_has_files(config)
    folder = data_folder(config)
    with connected_beside_server(config, folder) as database:
        problem = pairing.mismatch(FolderStorage(folder), database)
        if problem or folder.identity() is None:
            raise StartError(problem or f"No server has used the data folder {folder.path} yet")
        _create(target)
        database.dump.write(target / _DATABASE)
        missing = _copy_files(folder, database, target) if with_files else 0
    for name in _SECRETS:
        with suppress(FileNotFoundError):
            shutil.copy(folder.path / name, target / name)
    sync_file_system(target)
    content = _content(target, missing)
    manifest = _Manifest(_FORMAT, __version__, isoformat(utc_now()), with_files, content)
    write_secret(target / _MANIFEST, json.dumps(asdict(manifest)))
    return content


def restore(config: Config, source: Path, *, replace: bool = False) -> Content:
    """Put a backup into the configured database and data folder.

    Both must be empty, unless `replace` is set. If this is interrupted, the two have different
    identities, so no server starts on them. Raises StartError, DatabaseError and OSError.
    """
    manifest = _read_manifest(source)
    if manifest.has_files:
        _check_has_files(config)
    identity = (source / "identity").read_text(encoding="ascii").strip()
    folder = DataFolder(Path(config.storage.data_dir))
    if folder.path.exists():
        folder = data_folder(config)
    folder.create()
    with locked(folder), connected(config, folder) as database:
        if not manifest.has_files and folder.identity() != identity:
            raise StartError(f"{source} is a backup without files, of another data folder")
        is_empty = database.is_empty() and (folder.is_empty or not manifest.has_files)
        if not is_empty and not replace:
            raise StartError(
                f"The data folder {folder.path} or the database {database.name} is not empty: "
                "change storage.data_dir and mongodb.database, or use --replace"
            )
        folder.set_identity(identity)
        database.dump.clear(first=_IDENTITY)
        if manifest.has_files:
            _put_back_files(source, FolderStorage(folder))
        database.dump.read(source / _DATABASE, last=_IDENTITY)
    return manifest.content


def _check_has_files(config: Config) -> None:
    if config.storage.url:
        raise StartError(
            f"PDFs and pages are objects in {config.storage.url}, not files: "
            "protect them there, and make backups with --no-files"
        )


def _create(target: Path) -> None:
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise StartError(f"{target} is not empty: a backup needs a folder of its own")
    for part in (_DATABASE, "uploads", "chapters"):
        (target / part).mkdir(mode=0o700)


@dataclass(frozen=True, slots=True)
class _Manifest:
    format: int
    version: str
    created_at: str
    has_files: bool
    content: Content


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of files, each named by a field of the collection's documents."""

    collection: str
    field: str
    place: Path
    ending: str
    existing: Callable[[set[str]], set[str]]


def _copy_files(folder: DataFolder, database: Database, target: Path) -> int:
    """Copy the files that the dump names; returns how many chapters and uploads lack some."""
    chapters, uploads = database.chapters.existing, database.uploads.existing
    return sum(
        _copy_kind(kind, target)
        for kind in (
            _Kind("book_chapters", "chapter_id", folder.chapters, "", chapters),
            _Kind("user_files", "file_id", folder.uploads, ".pdf", uploads),
        )
    )


def _copy_kind(kind: _Kind, target: Path) -> int:
    dump, place = target / _DATABASE, target / kind.place.name
    ids = values(dump, kind.collection, kind.field)
    incomplete = set()
    for name in (f"{it}{kind.ending}" for it in ids):
        try:
            _copy(kind.place / name, place / name)
        except FileNotFoundError:
            incomplete.add(name.removesuffix(kind.ending))
    gone = set(ids) - kind.existing(set(ids))
    if gone:
        leave_out(dump, kind.collection, kind.field, gone)
    for name in (f"{it}{kind.ending}" for it in gone):
        shutil.rmtree(place / name, ignore_errors=True)
        with suppress(OSError):
            (place / name).unlink()
    return len(incomplete - gone)


def _put_back_files(source: Path, storage: FolderStorage) -> None:
    folder, now = storage.folder, utc_now()
    for chapter in (source / "chapters").iterdir():
        storage.trash.take_pages(chapter.name, now)
        _copy(chapter, folder.staging / chapter.name)
        os.rename(folder.staging / chapter.name, folder.chapters / chapter.name)
    for upload in (source / "uploads").iterdir():
        storage.trash.take_upload(upload.stem, now)
        _copy(upload, folder.uploads / upload.name)
    with suppress(FileNotFoundError):
        write_secret(folder.path / "secret_key", (source / "secret_key").read_text("ascii").strip())
    sync_file_system(folder.path)


def _copy(source: Path, target: Path) -> None:
    """Copy a file, or a folder of files. Raises FileNotFoundError if one was removed."""
    if not source.is_dir():
        shutil.copyfile(source, target)
        return
    target.mkdir(mode=0o700)
    for file in source.iterdir():
        shutil.copyfile(file, target / file.name)


def _read_manifest(source: Path) -> _Manifest:
    try:
        manifest = TypeAdapter(_Manifest).validate_json((source / _MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise StartError(f"{source} is not a complete backup: it has no {_MANIFEST}") from error
    except ValidationError as error:
        raise StartError(f"{source / _MANIFEST} cannot be read") from error
    if manifest.format > _FORMAT:
        raise StartError(f"{source} was written by the newer release {manifest.version}")
    if _content(source, manifest.content.missing) != manifest.content:
        raise StartError(f"{source} is damaged: files are missing or have another size")
    return manifest


def _content(target: Path, missing: int) -> Content:
    parts = [path for path in target.rglob("*") if path.is_file() and path.name != _MANIFEST]
    sizes = [path.stat().st_size for path in parts]
    dumped = sum(1 for _ in (target / _DATABASE).iterdir())
    secrets = sum((target / name).exists() for name in _SECRETS)
    return Content(len(sizes) - dumped - secrets, sum(sizes), missing)
