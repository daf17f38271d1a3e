"""What a job may leave behind: nothing, or a complete chapter."""

from pathlib import Path

from tests.support.client import Client, Json


def staged(data: Path) -> list[str]:
    """Folders of pages that belong to no finished chapter yet."""
    return sorted(path.name for path in (data / "staging").iterdir())


def published(data: Path) -> list[str]:
    """Folders of chapters. Each has its index from the start."""
    folders = sorted((data / "chapters").iterdir())
    assert all((folder / "search.sqlite").stat().st_size for folder in folders)
    return [folder.name for folder in folders]


def files(data: Path) -> set[str]:
    """Every file with users' data."""
    folders = (data / "uploads", data / "staging", data / "chapters")
    paths = [path for folder in folders for path in folder.rglob("*")]
    return {str(path.relative_to(data)) for path in paths if path.is_file()}


def check_end(client: Client, job: Json) -> None:
    """The chapter of a completed job can be read to its last page; a failed job says why."""
    if job["status"] == "failed":
        assert job["error"] and job["message"] == f"PDF processing failed: {job['error']}"
        return
    assert job["status"] == "completed", job
    chapter = client.chapter(job)
    assert len(chapter["pages"]) == job["result"]["total_pages"]
    address = f"/api/v1/books/{chapter['book_id']}/chapters/{chapter['chapter_id']}"
    for page in chapter["pages"]:
        image = client.get(page["background_url"])
        assert image.status_code == 200 and len(image.content) > 100
    for number in {1, len(chapter["pages"])}:
        assert client.get(f"{address}/pages/{number}").status_code == 200
