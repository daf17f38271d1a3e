"""What a job may leave behind: nothing, or a chapter that can be read in full."""

from pathlib import Path

from tests.support.client import Client, Json


def staged(data: Path) -> list[str]:
    """Folders of pages that belong to no finished chapter yet."""
    return sorted(path.name for path in (data / "staging").iterdir())


def published(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "chapters").iterdir())


def files(data: Path) -> set[str]:
    """Every file that holds users' data."""
    folders = (data / "uploads", data / "staging", data / "chapters")
    return {
        str(path.relative_to(data))
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


def check_end(client: Client, job: Json) -> None:
    """A completed job's chapter can be read to its last page; a failed one says why."""
    if job["status"] == "failed":
        assert job["error"] and job["message"] == f"PDF processing failed: {job['error']}"
        return
    assert job["status"] == "completed", job
    chapter = client.chapter(job)
    assert len(chapter["pages"]) == job["result"]["total_pages"]
    for page in chapter["pages"]:
        image = client.session.get(client.url + page["background_url"], timeout=30)
        assert image.status_code == 200 and len(image.content) > 100
        address = f"/api/v1/books/{chapter['book_id']}/chapters/{chapter['chapter_id']}/pages/{page['page_number']}"
        assert client.get(address).status_code == 200
