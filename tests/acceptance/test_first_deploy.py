"""deploy.sh on an empty machine with the embedded database: the first release and the next."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.client import Client
from tests.support.deployment import ONLY_LIVE, WRONG_VERSION, Machine
from tests.support.leftovers import check_end
from tests.support.nginx import nginx_before
from tests.support.pdfs import hanging_pdf, text_pdf
from tests.support.processes import freeze_the_busy_renderer

pytestmark = pytest.mark.long_file(80)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """An empty machine, with the embedded database."""
    made = Machine(tmp_path)
    yield made
    made.stop()


def test_a_first_release_that_does_not_work_leaves_nothing_behind(machine: Machine) -> None:
    failed = machine.deploy(machine.release("0.9.0", WRONG_VERSION, ONLY_LIVE))
    assert "6.6.6 answers instead of 0.9.0" in failed.stdout, failed.stdout
    assert failed.returncode == 3 and "no earlier release to go back to" in failed.stdout
    assert machine.releases == set() and not (machine.root / "current").exists()
    with pytest.raises(requests.ConnectionError):
        _ = machine.version


def test_a_good_release_goes_live_while_clients_poll_and_can_be_taken_back(
    machine: Machine, tmp_path: Path
) -> None:
    first = machine.deploy_with_pip(machine.release("1.0.0"))
    assert first.returncode == 0, first.stdout
    user = machine.client("somebody")
    finished = user.submit(text_pdf(3))
    user.end_of(finished)
    running = user.submit(hanging_pdf())
    freeze_the_busy_renderer(machine.pid)

    (machine.root / "releases" / "0.9.0").mkdir()
    with (
        nginx_before(machine.port, tmp_path / "nginx") as nginx,
        Poller(nginx.url, user, running) as poller,
    ):
        deployed = machine.deploy(archive(machine.release("1.1.0")), DEPLOY_KEEP="1")
    assert deployed.returncode == 0, deployed.stdout
    machine.check_serves("1.1.0")
    assert machine.releases == {"1.1.0", "1.0.0"}, "the one that serves and the one before"
    assert poller.statuses == {200, 502}, "502 is what nginx says while there is no server"
    check_end(user, user.job(finished))
    cut_short = user.job(running)
    assert cut_short["status"] == "failed"
    assert cut_short["error"] == "Server was shut down while the job was running"

    taken_back = machine.run("rollback")
    assert taken_back.returncode == 0, taken_back.stdout
    assert "1.0.0 serves again" in taken_back.stdout
    machine.check_serves("1.0.0")
    check_end(user, user.job(finished))


class Poller:
    """A client that polls a job all the time and accepts only what the service promises."""

    def __init__(self, url: str, user: Client, job_id: str) -> None:
        self.statuses: set[int] = set()
        self._address = f"{url}/api/v1/books/jobs/{job_id}"
        self._headers = {"Authorization": user.session.headers["Authorization"]}
        self._problems: list[str] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Poller":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        self._thread.join()
        assert not self._problems, self._problems

    def _run(self) -> None:
        while not self._stopping.wait(0.1):  # nginx allows 20 a second
            try:
                self._check(requests.get(self._address, headers=self._headers, timeout=30))
            except (requests.RequestException, AssertionError) as error:
                self._problems.append(repr(error))

    def _check(self, response: requests.Response) -> None:
        self.statuses.add(response.status_code)
        if response.status_code == 200:
            assert response.json()["status"] in ("processing", "failed")
        else:
            down = "The service is restarting or down, try again in a moment"
            assert response.json() == {"detail": down}, response.text
            assert response.headers["Retry-After"]


def archive(source: Path) -> Path:
    made = source.with_suffix(".tar.gz")
    subprocess.run(["tar", "-czf", str(made), "-C", str(source.parent), source.name], check=True)
    return made
