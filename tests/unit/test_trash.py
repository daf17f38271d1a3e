"""Files that were removed are kept for a day."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.trash import FolderTrash

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def test_a_chapter_that_is_removed_twice_in_a_second_is_kept_twice(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.create()
    trash = FolderTrash(folder)
    for content in ("first", "second"):
        (folder.chapters / "one").mkdir()
        (folder.chapters / "one" / "00001.json").write_text(content)
        trash.take_pages("one", NOW)
    assert not (folder.chapters / "one").exists()
    kept = {file.read_text() for file in folder.trash.rglob("*.json")}
    assert kept == {"first", "second"}
    trash.empty(NOW + timedelta(days=1))
    assert list(folder.trash.iterdir()) == []
