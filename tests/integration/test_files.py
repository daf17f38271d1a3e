"""An uploaded PDF: what it says of itself, and its download."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartServer
from tests.integration.conftest import Records
from tests.support.client import Client
from tests.support.objects import Bucket, S3Server
from tests.support.pdfs import guided_pdf, photo_pdf
from tests.support.server import ServerProcess
from wordai_jobs.client import Client as PackageClient
from wordai_jobs.client import NotFound

NAME = 'sách "của" tôi.pdf'


@pytest.fixture(scope="module")
def in_bucket(tmp_path_factory: pytest.TempPathFactory, s3: S3Server) -> Iterator[Client]:
    """A user of a server with an object store."""
    bucket = Bucket(s3)
    folder, settings = tmp_path_factory.mktemp("objects"), {"storage.url": bucket.url}
    server = ServerProcess(folder, settings, bucket.server.environment).start().wait_until_ready()
    yield Client(server.url, "somebody")
    assert server.stop() == 0


@pytest.fixture(params=["folder", "objects"])
def user(request: pytest.FixtureRequest) -> Client:
    name = "alice" if request.param == "folder" else "in_bucket"
    found: Client = request.getfixturevalue(name)
    return found


def test_the_outline_of_a_pdf_is_what_it_says_of_itself(alice: Client) -> None:
    file_id = alice.upload(guided_pdf()).json()["file_id"]
    found = alice.get(f"/api/v1/files/{file_id}/outline").json()
    assert list(found) == ["title", "page_count", "outline", "page_labels"]
    assert (found["title"], found["page_count"]) == ("A guided tour", 45)
    assert found["outline"][1] == {"title": "Phần một", "level": 1, "page_number": 3}
    assert found["page_labels"][:4] == ["i", "ii", "iii", "A-7"]
    plain = alice.upload(photo_pdf()).json()["file_id"]
    assert alice.get(f"/api/v1/files/{plain}/outline").json() == {
        "title": None,
        "page_count": 1,
        "outline": [],
        "page_labels": None,
    }


def test_a_pdf_that_an_older_release_has_received_has_no_outline(
    start_server: StartServer, shared: dict[str, str], records: Records
) -> None:
    user = Client(start_server(shared).url, "somebody")
    file_id = user.upload(guided_pdf()).json()["file_id"]
    new = {name: "" for name in ("title", "outline", "page_labels")}
    records["user_files"].update_one({"file_id": file_id}, {"$unset": new})
    found = user.get(f"/api/v1/files/{file_id}/outline").json()
    assert found == {"title": None, "page_count": 45, "outline": [], "page_labels": None}


def test_a_pdf_is_downloaded_under_its_name(user: Client) -> None:
    file_id = user.upload(guided_pdf(), NAME).json()["file_id"]
    address = f"/api/v1/files/{file_id}/content"
    whole = user.get(address)
    assert whole.content == guided_pdf() and whole.headers["Content-Type"] == "application/pdf"
    assert whole.headers["Content-Disposition"] == (
        r'attachment; filename="sach \"cua\" toi.pdf"; '
        "filename*=UTF-8''s%C3%A1ch%20%22c%E1%BB%A7a%22%20t%C3%B4i.pdf"
    )
    assert whole.headers["Cache-Control"] == "private, no-cache"
    same = user.get(address, headers={"If-None-Match": whole.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=5-", 206, slice(5, None)),
        ("bytes=0-1,5-6", 200, slice(None)),
    ],
)
def test_a_range_of_a_pdf_is_served(user: Client, asked: str, status: int, part: slice) -> None:
    file_id = user.upload(photo_pdf()).json()["file_id"]
    response = user.get(f"/api/v1/files/{file_id}/content", headers={"Range": asked})
    assert (response.status_code, response.content) == (status, photo_pdf()[part])


def test_the_python_client_reads_the_outline_and_saves_the_pdf(
    server: ServerProcess, alice: Client, tmp_path: Path
) -> None:
    file_id = alice.upload(guided_pdf()).json()["file_id"]
    with PackageClient(server.url, alice.token) as client:
        found = client.file_outline(file_id)
        assert found.title == "A guided tour" and found.page_labels and found.page_labels[0] == "i"
        assert (found.outline[0].title, found.outline[0].page_number) == ("Preface", 1)
        client.download(file_id, tmp_path / "saved.pdf")
        assert (tmp_path / "saved.pdf").read_bytes() == guided_pdf()
        with pytest.raises(NotFound):
            client.download("none", tmp_path / "none.pdf")
        assert not (tmp_path / "none.pdf").exists()
