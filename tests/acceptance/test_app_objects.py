"""The app with pages in an object store: the browser loads their images from there."""

import requests

from tests.acceptance.conftest import OpenVisitor
from tests.conftest import StartServer
from tests.support.objects import Bucket
from tests.support.pdfs import text_pdf


def test_a_chapter_in_an_object_store_is_read_in_the_app(
    start_server: StartServer, bucket: Bucket, visit: OpenVisitor
) -> None:
    server = start_server({"storage.url": bucket.url}, bucket.server.environment)
    visitor = visit(server).sign_in("Reader of objects")
    loaded: list[str] = []
    visitor.page.on("response", lambda response: loaded.append(response.url))
    job = visitor.submit(text_pdf(2))
    visitor.wait_for_state(job, "completed")
    visitor.read(job)
    visitor.wait_for_image(1)
    visitor.text_of(1)
    [image] = {url for url in loaded if "/00001.png?" in url}
    assert image.startswith(bucket.server.environment["AWS_ENDPOINT_URL"])
    assert requests.get(image, timeout=30).status_code == 200
