"""What a chapter and its pages have apart from images and text."""

from uuid import uuid4

import pytest

from tests.support.client import Client, Json
from tests.support.pdfs import guided_pdf, text_pdf
from tests.support.server import ServerProcess
from wordai_jobs import client as package


@pytest.fixture(scope="module")
def reader(server: ServerProcess) -> Client:
    return Client(server.url, f"reader-{uuid4().hex[:8]}")


@pytest.fixture(scope="module")
def file_id(reader: Client) -> str:
    uploaded: str = reader.upload(guided_pdf()).json()["file_id"]
    return uploaded


@pytest.fixture(scope="module", params=[(1, 45), (20, 40)], ids=["whole", "part"])
def made(request: pytest.FixtureRequest, reader: Client, file_id: str) -> tuple[Json, range]:
    """A chapter of these pages of the PDF."""
    first, last = request.param
    job_id = reader.enqueue(file_id, first_page=first, last_page=last).json()["job_id"]
    return reader.chapter(reader.end_of(job_id)), range(first, last + 1)


@pytest.fixture(scope="module")
def spoilt(reader: Client) -> Json:
    return reader.chapter(reader.end_of(reader.submit(text_pdf(1))))


def test_the_outline_of_a_chapter_has_the_entries_of_its_pages(
    reader: Client, file_id: str, made: tuple[Json, range]
) -> None:
    chapter, pages = made
    entries = reader.get(f"/api/v1/files/{file_id}/outline").json()["outline"]
    assert len(chapter["outline"]) >= 7
    assert chapter["outline"] == [
        {**entry, "page_number": entry["page_number"] - pages.start + 1}
        for entry in entries
        if entry["page_number"] in pages
    ]


def test_each_page_has_the_label_that_is_printed_on_it(
    reader: Client, file_id: str, made: tuple[Json, range]
) -> None:
    chapter, pages = made
    labels = reader.get(f"/api/v1/files/{file_id}/outline").json()["page_labels"]
    expected = [labels[number - 1] or None for number in pages]
    assert [page["label"] for page in chapter["pages"]] == expected
    assert None in expected and "A-25" in expected


def test_links_lead_to_pages_of_the_chapter_or_to_the_web(
    reader: Client, made: tuple[Json, range]
) -> None:
    chapter, pages = made
    address = f"/api/v1/books/{chapter['book_id']}/chapters/{chapter['chapter_id']}/pages/2"
    page = reader.get(address).json()
    assert page["label"] == chapter["pages"][1]["label"]
    targets = [link["page_number"] for link in page["links"] if "page_number" in link]
    assert targets == [1, 2, 3, 45] if len(pages) == 45 else targets == [2, 3]
    urls = [link["url"] for link in page["links"] if "url" in link]
    assert urls == [
        f"https://example.com/{pages.start}?a=b#c",
        "HTTP://EXAMPLE.COM/a b",
        "mailto:somebody@example.com",
    ]
    assert page["links"][-1]["rect"] == pytest.approx([150, 400, 417.2, 425], abs=0.2)


def test_a_pdf_that_says_nothing_of_itself_makes_a_chapter_without_it(alice: Client) -> None:
    chapter = alice.chapter(alice.end_of(alice.submit(text_pdf(1))))
    assert chapter["outline"] == [] and chapter["pages"][0]["label"] is None
    address = f"/api/v1/books/{alice.book_id}/chapters/{chapter['chapter_id']}/pages/1"
    assert alice.get(address).json()["links"] == []


def test_what_a_renderer_that_was_taken_over_calls_links_is_not_passed_on(
    server: ServerProcess, alice: Client
) -> None:
    chapter = alice.chapter(alice.end_of(alice.submit(text_pdf(1))))
    file = server.data / "chapters" / chapter["chapter_id"] / "00001.json"
    address = f"/api/v1/books/{alice.book_id}/chapters/{chapter['chapter_id']}/pages/1"
    rect, good = "[1, 2, 3, 4]", '{"rect": [1, 2, 3, 4], "url": "https://a"}'
    for links, expected in (
        (f'[{good}, {{"rect": {rect}, "url": "javascript:alert(1)"}}]', 1),
        (f'[{good}, {{"rect": {rect}, "page_number": 2}}, {{"rect": {rect}}}]', 1),
        (f'[{good}, {{"rect": {rect}, "page_number": 1, "url": "javascript:alert(1)"}}]', 1),
        (f'[{good}, {{"rect": [1], "page_number": 1}}]', 0),
        ('"nonsense"', 0),
        ("[[]]", 0),
    ):
        file.write_text(f'{{"text": "", "words": [], "links": {links}}}')
        assert len(alice.get(address).json()["links"]) == expected, links
    file.write_text('{"text": "", "words": []}')
    assert alice.get(address).json()["links"] == [], "as an older release has written it"


@pytest.mark.parametrize(
    "content",
    [
        "nonsense",
        '"text"',
        "{}",
        '{"text": 17, "words": []}',
        '{"text": "", "words": [["a", {}, 1, 2, "word"]]}',
        '{"text": "", "words": [[1, 2, 3, 4]]}',
    ],
    ids=["no JSON", "no object", "nothing", "a number", "no coordinates", "no word"],
)
def test_a_page_that_a_renderer_has_spoilt_is_readable_without_text(
    server: ServerProcess, reader: Client, spoilt: Json, content: str
) -> None:
    file = server.data / "chapters" / spoilt["chapter_id"] / "00001.json"
    file.write_text(content)
    address = f"/api/v1/books/{spoilt['book_id']}/chapters/{spoilt['chapter_id']}/pages/1"
    page = reader.get(address)
    assert page.status_code == 200
    assert [page.json()[key] for key in ("text", "words", "links")] == ["", [], []]


def test_the_python_client_reads_them(
    reader: Client, server: ServerProcess, made: tuple[Json, range]
) -> None:
    with package.Client(server.url, reader.token) as client:
        book_id, chapter_id = made[0]["book_id"], made[0]["chapter_id"]
        chapter = client.chapter(book_id, chapter_id)
        assert len(chapter.outline) == len(made[0]["outline"])
        assert chapter.pages[1].label == made[0]["pages"][1]["label"]
        links = client.page(book_id, chapter_id, 2).links
        assert links[0].page_number and links[0].url is None
        assert links[-1].url == "mailto:somebody@example.com"


def test_a_chapter_of_an_older_release_has_its_images_as_thumbnails(
    server: ServerProcess, alice: Client
) -> None:
    chapter = alice.chapter(alice.end_of(alice.submit(text_pdf(1))))
    [page] = chapter["pages"]
    small, image = (alice.get(page[url]) for url in ("thumbnail_url", "background_url"))
    assert small.headers["Content-Type"] == "image/jpeg" and len(small.content) < 20_000
    (server.data / "chapters" / chapter["chapter_id"] / "00001.thumbnail.jpg").unlink()
    assert alice.get(page["thumbnail_url"]).content == image.content
