"""What is stored of a chapter is found by the chapter's id, which must not name anything else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.file_cache import FileCache
from wordai_jobs.storage.folder.pages import FolderPages
from wordai_jobs.storage.objects.pages import ObjectPages
from wordai_jobs.storage.objects.store import ObjectStore
from wordai_jobs.storage.storage import Pages


def object_pages(folder: DataFolder) -> ObjectPages:
    return ObjectPages(ObjectStore("memory:///", 1), folder, FileCache(folder.path / "copies", 0))


@pytest.mark.parametrize("pages", [FolderPages, object_pages], ids=["files", "objects"])
@pytest.mark.parametrize("chapter_id", ["", ".", "..", "../uploads", "one/00001.png"])
def test_an_id_that_names_anything_else_removes_nothing(
    tmp_path: Path, pages: Callable[[DataFolder], Pages], chapter_id: str
) -> None:
    folder = DataFolder(tmp_path)
    folder.create()
    others = [folder.staging / "one", folder.chapters / "two", folder.uploads / "three"]
    for other in others:
        other.mkdir()
    with pytest.raises(ValueError, match="cannot be the id of a chapter"):
        pages(folder).remove(chapter_id)
    assert all(other.exists() for other in others)
