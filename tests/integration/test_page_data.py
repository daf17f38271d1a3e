"""What a page of a chapter has besides its image and text."""

from tests.support.client import Client
from tests.support.pdfs import text_pdf
from tests.support.server import ServerProcess


def test_a_chapter_of_an_older_release_has_its_images_as_thumbnails(
    server: ServerProcess, alice: Client
) -> None:
    chapter = alice.chapter(alice.end_of(alice.submit(text_pdf(1))))
    [page] = chapter["pages"]
    small, image = (alice.get(page[url]) for url in ("thumbnail_url", "background_url"))
    assert small.headers["Content-Type"] == "image/jpeg" and len(small.content) < 20_000
    (server.data / "chapters" / chapter["chapter_id"] / "00001.thumbnail.jpg").unlink()
    assert alice.get(page["thumbnail_url"]).content == image.content
