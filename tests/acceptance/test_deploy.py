"""deploy.sh with a real container engine: releases good and bad, while a client polls."""

import fcntl
import os
import re
import signal
import threading
from collections.abc import Iterator, Set
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.support.client import Client
from tests.support.deployment import CRASHES, NEVER_READY, WRONG_VERSION, Deployment, guides
from tests.support.engine import Engine, running_engine
from tests.support.firebase import Google
from tests.support.leftovers import check_end
from tests.support.pdfs import hanging_pdf, text_pdf
from tests.support.plain_machine import PlainMachine
from tests.support.processes import freeze_the_busy_renderer
from tests.support.server import free_port
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long_file(300), pytest.mark.containers]

WHEN_DOWN = frozenset({502, 503})
INSTALL, UPGRADE, ROLL_BACK, BACK_UP, RESTORE, *WITH_SYSTEMD = guides()
ADDRESS = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
READY = "curl -sSf --retry 60 --retry-delay 1 --retry-connrefused 127.0.0.1:8000/health/ready\n"
RESTARTED = "Server restarted while the job was running"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture(scope="module")
def deployment(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """1.0.0 serves. A test that deploys another release that works goes back."""
    folder = tmp_path_factory.mktemp("google")
    with closing(Google(folder)) as google:
        made = Deployment(tmp_path_factory.mktemp("checkout"), engine, google)
        made.try_it("build")
        assert "answering: 1.0.0" in made.follow(INSTALL)
        yield made


class Poller:
    """A client that polls a job every 0.2 s and accepts only what the service promises."""

    def __init__(self, user: Client, job_id: str, when_down: Set[int] = WHEN_DOWN) -> None:
        self.statuses: set[int] = set()
        self._when_down = when_down
        self._address = f"{user.url}/api/v1/books/jobs/{job_id}"
        self._headers = {"Authorization": f"Bearer {user.token}"}
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
        while not self._stopping.wait(0.2):
            try:
                self._check(requests.get(self._address, headers=self._headers, timeout=30))
            except (requests.RequestException, AssertionError) as error:
                self._problems.append(repr(error))

    def _check(self, response: requests.Response) -> None:
        self.statuses.add(response.status_code)
        if response.status_code != 200:
            assert response.status_code in self._when_down, response.text
            assert response.json()["detail"] and response.headers["Retry-After"]


@pytest.fixture(scope="module")
def user(deployment: Deployment) -> Client:
    return deployment.client("alice")


@pytest.fixture(scope="module")
def finished(user: Client) -> str:
    """A job that has completed before all else."""
    job_id = user.submit(text_pdf(3))
    user.end_of(job_id)
    return job_id


@pytest.fixture
def running(deployment: Deployment, user: Client) -> Iterator[str]:
    """A job that never ends by itself; its renderer is stopped, so it costs nothing."""
    job_id = user.submit(hanging_pdf())
    wait_until(lambda: user.job(job_id)["progress"] >= 30, what="a job that renders")
    freeze_the_busy_renderer(int(deployment.inspect("app", "{{.State.Pid}}")))
    yield job_id
    user.post(f"/api/v1/books/jobs/{job_id}/cancel")


def test_a_book_is_uploaded_polled_and_read_through_nginx(
    deployment: Deployment, user: Client
) -> None:
    with Poller(user, job_id := user.submit(text_pdf(40))) as poller:
        check_end(user, user.end_of(job_id))
    assert poller.statuses <= {200}
    said = deployment.run("logs", job_id)
    assert (
        f"job {job_id} completed: 40 pages" in said and f"GET /api/v1/books/jobs/{job_id}" in said
    )


@pytest.mark.parametrize("service", ["app", "nginx"])
def test_containers_run_as_another_user_with_little_to_write_to(
    deployment: Deployment, service: str
) -> None:
    assert deployment.inspect(service, "{{.HostConfig.ReadonlyRootfs}}") == "true"
    assert deployment.inspect(service, "{{.HostConfig.CapDrop}}") == "[ALL]"
    assert '"max-size":"10m"' in deployment.inspect(service, "{{json .HostConfig.LogConfig}}")
    pid = deployment.inspect(service, "{{.State.Pid}}")
    assert os.stat(f"/proc/{pid}").st_uid not in (0, os.getuid())


def test_the_sandbox_of_renderers_holds_in_a_container(deployment: Deployment) -> None:
    """The books of the other tests are rendered in it: here it is required."""
    ready = requests.get(f"{deployment.url}/health/ready", timeout=10).json()
    assert ready["sandbox"] == "complete"
    assert deployment.inspect("app", "{{.HostConfig.SecurityOpt}}") == "[no-new-privileges:true]"
    status = Path(f"/proc/{deployment.inspect('app', '{{.State.Pid}}')}/status").read_text()
    assert "Seccomp:\t2\n" in status, "Docker's default profile is on too"


def test_no_secret_is_in_the_environment_or_in_what_deploy_says(deployment: Deployment) -> None:
    password = (deployment.deploy_folder / "secrets" / "mongodb_password").read_text()
    assert len(password) == 48
    for service in ("app", "mongodb", "nginx"):
        assert password not in deployment.inspect(service, "{{json .}}")
    assert password not in deployment.run("deploy")
    assert (deployment.deploy_folder / "secrets").stat().st_mode & 0o077 == 0


def test_a_good_release_replaces_the_former_and_can_be_taken_back(
    deployment: Deployment, user: Client, finished: str, running: str
) -> None:
    deployment.check_out("1.1.0")
    with Poller(user, running) as poller:
        said = deployment.follow(UPGRADE)
        deployment.check_serves("1.1.0")
        cut_short = user.end_of(running)
        taken_back = deployment.follow(ROLL_BACK)
    deployment.check_out("1.0.0")
    assert "backed up the database" in said and "1.1.0 serves" in said
    assert "1.0.0 serves" in taken_back
    deployment.check_serves("1.0.0")
    assert poller.statuses >= {200, 502}
    assert cut_short["error"] == "Server was shut down while the job was running"
    check_end(user, user.job(finished))


@pytest.mark.parametrize(
    ("fault", "said", "timeout_s"),
    [
        (CRASHES, "ends again and again", "120"),
        (NEVER_READY, "the moon is in the wrong house", "20"),
        (WRONG_VERSION, "6.6.6 answers instead of", "120"),
    ],
    ids=["crashes", "never-ready", "wrong-version"],
)
def test_after_a_bad_release_the_former_serves_again_by_itself(
    deployment: Deployment,
    user: Client,
    finished: str,
    fault: tuple[str, str],
    said: str,
    timeout_s: str,
    request: pytest.FixtureRequest,
) -> None:
    version = f"1.2.0-{request.node.callspec.id}"
    deployment.make_image(version, fault)
    with Poller(user, finished) as poller:
        output = deployment.run("deploy", version, expect=1, DEPLOY_TIMEOUT_S=timeout_s)
    assert said in output and "1.0.0 serves again" in output
    deployment.check_serves("1.0.0")
    assert poller.statuses >= {200, 502}
    check_end(user, user.job(finished))


def test_the_app_comes_back_after_a_crash_and_its_jobs_end(
    deployment: Deployment, user: Client, running: str
) -> None:
    with Poller(user, running) as poller:
        os.kill(int(deployment.inspect("app", "{{.State.Pid}}")), signal.SIGKILL)
        wait_until(lambda: 502 in poller.statuses, what="a poll while there is no app")
        wait_until(lambda: is_ready(deployment), 60, "the app")
        assert user.end_of(running)["error"] == RESTARTED


def test_a_container_that_was_killed_by_hand_is_started_by_a_deploy(
    deployment: Deployment, user: Client, running: str
) -> None:
    # nginx may wait for an address that no longer answers until its time is up, which is a 504.
    with Poller(user, running, {502, 503, 504}):
        deployment.engine.run("kill", deployment.container())
        deployment.run("status", expect=1)
        deployment.run("deploy")
        assert user.end_of(running)["error"] == RESTARTED
    deployment.check_serves("1.0.0")


def test_a_restart_of_the_engine_is_not_noticed_by_clients(
    deployment: Deployment, engine: Engine, running: str
) -> None:
    # The port on this machine's loopback belongs to the engine, and clients do not come that way.
    client = deployment.client("alice")
    client.url = f"http://{deployment.inspect('nginx', ADDRESS)}"
    with Poller(client, running) as poller:
        engine.stop()
        assert client.job(running)["status"] == "processing"
        engine.start()
    assert poller.statuses == {200}
    assert "answering: 1.0.0" in deployment.run("status")


def test_one_deploy_at_a_time_and_wrong_use_have_exit_codes_of_their_own(
    deployment: Deployment,
) -> None:
    with open(deployment.deploy_folder / ".lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another deploy is running" in deployment.run("rollback", expect=4)
    assert "1.0.0 already serves" in deployment.run("deploy")
    for arguments in ("deploy 1/2", "retreat", "logs", "status now"):
        deployment.run(*arguments.split(), expect=2)
    assert "no log line" in deployment.run("logs", "no-such-job", expect=1)


def test_a_backup_brings_back_everything_on_a_new_machine(
    deployment: Deployment, user: Client, finished: str, running: str
) -> None:
    assert "backed up the database and" in deployment.follow(BACK_UP)
    deployment.compose("down", "--volumes")
    for path in (deployment.deploy_folder / ".env", *deployment.deploy_folder.glob("secrets/*")):
        path.unlink()
    deployment.write_environment()
    deployment.follow(INSTALL)
    assert deployment.client("alice").get("/api/v1/books").json() == {"books": []}
    assert "restored the database and" in deployment.follow(RESTORE)
    wait_until(lambda: is_ready(deployment), 60, "the restored server")
    deployment.check_serves("1.0.0")
    check_end(user, user.job(finished))
    assert user.job(running)["error"] == RESTARTED


def test_it_can_be_tried_with_one_command(deployment: Deployment) -> None:
    port = free_port()
    try:
        deployment.try_it("up", "--detach", "--wait", port=port)
        visitor = Client(f"http://127.0.0.1:{port}", "visitor")
        check_end(visitor, visitor.end_of(visitor.submit(text_pdf(1))))
    finally:
        deployment.try_it("down", "--volumes", port=port)


def test_the_guide_to_a_server_with_systemd_works(
    deployment: Deployment, engine: Engine, tmp_path: Path
) -> None:
    machine = PlainMachine(tmp_path, engine)
    install, upgrade, roll_back, back_up, restore = WITH_SYSTEMD
    machine.run(install)
    machine.run(upgrade.replace("0.2.0", "0.1.0"))
    make_pdf = "import pymupdf; pdf = pymupdf.open(); pdf.new_page(); pdf.save('book.pdf')"
    submit = f"""
        export PATH=/opt/wordai-jobs/current/venv/bin:$PATH WORDAI_TOKEN
        python -c "{make_pdf}"
        WORDAI_TOKEN=$(wordai-jobs token alice)
        wordai-jobs submit book.pdf --new-book Book --title One --wait
    """
    assert "Chapter created successfully with 1 page" in machine.run(submit)
    machine.run(upgrade)
    machine.run(roll_back + READY)
    assert machine.run("readlink /opt/wordai-jobs/current") == "/opt/wordai-jobs/0.1.0\n"
    backed_up, restored = re.findall(
        r"the database and (\d+) files", machine.run(back_up + restore)
    )
    assert backed_up == restored and int(restored) >= 3
    listed = "WORDAI_TOKEN=$(wordai-jobs token alice) wordai-jobs jobs list"
    path = "export PATH=/opt/wordai-jobs/current/venv/bin:$PATH;"
    assert "completed" in machine.run(READY + path + listed)


def is_ready(deployment: Deployment) -> bool:
    return requests.get(f"{deployment.url}/health/ready", timeout=10).ok
