"""The backup that docs/deployment.md describes can be restored."""

import shutil
import subprocess
from pathlib import Path

from tests.conftest import StartServer
from tests.support.client import Client
from tests.support.leftovers import check_end
from tests.support.pdfs import text_pdf


def test_a_backup_of_the_data_folder_brings_back_every_job_and_chapter(
    start_server: StartServer,
) -> None:
    server = start_server().wait_until_ready()
    user = Client(server.url, "somebody")
    job = user.end_of(user.submit(text_pdf(3)))
    image = user.chapter(job)["pages"][0]["background_url"]
    assert server.stop() == 0
    backup = server.folder / "backup.tar.gz"
    tar: list[str | Path] = ["tar", "-C", server.folder]
    subprocess.run([*tar, "--exclude=data/staging", "-czf", backup, "data"], check=True)

    shutil.rmtree(server.data)
    subprocess.run([*tar, "-xzf", backup], check=True)
    server.start()

    check_end(user, user.job(job["job_id"]))
    # The key that signed the address is in the backup too.
    assert user.get(image).status_code == 200
    assert server.stop() == 0
