"""deploy.sh with real releases, good and bad; plain processes replace systemd."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pymongo
import pytest

from tests.support.deployment import CRASHES, NEVER_READY, ONLY_LIVE, WRONG_VERSION, Fault, Machine
from tests.support.mongo import DatabaseProcess
from tests.support.pdfs import hanging_pdf
from tests.support.processes import freeze_the_busy_renderer
from tests.support.server import is_ok
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long_file(100)

MOON = '{"detail":"the moon is in the wrong house'


@pytest.fixture(scope="module")
def mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseProcess]:
    database = DatabaseProcess(tmp_path_factory.mktemp("mongodb")).start()
    yield database
    database.kill()


@pytest.fixture(scope="module")
def machine(
    tmp_path_factory: pytest.TempPathFactory, mongodb: DatabaseProcess
) -> Iterator[Machine]:
    """A machine on which 1.0.0 serves, as it does again after each test, with a MongoDB."""
    variables = f'# where jobs are recorded\n\nWORDAI_JOBS_MONGODB__URI="{mongodb.uri}"\n'
    made = Machine(tmp_path_factory.mktemp("machine"), variables)
    first = made.deploy(made.release("1.0.0"))
    assert first.returncode == 0, first.stdout
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("version", "fault", "timeout_s", "said"),
    [
        ("1.1.0+crashes", CRASHES, "60", "AssertionError"),
        ("1.1.0+never-ready", NEVER_READY, "20", f"was not ready within 20 s: {MOON}"),
    ],
    ids=["crashes", "never ready"],
)
def test_a_bad_release_fails_its_trial_and_the_running_server_is_not_touched(
    machine: Machine, version: str, fault: Fault, timeout_s: str, said: str
) -> None:
    pid = machine.pid
    failed = machine.deploy(machine.release(version, fault), DEPLOY_TIMEOUT_S=timeout_s)
    assert failed.returncode == 1 and said in failed.stdout, failed.stdout
    assert "did not pass its trial" in failed.stdout
    machine.check_serves("1.0.0")
    assert machine.pid == pid
    assert version not in machine.releases


def test_a_trial_ends_no_job_of_the_running_server_and_leaves_no_database(
    machine: Machine, mongodb: DatabaseProcess
) -> None:
    user = machine.client("somebody")
    running = user.submit(hanging_pdf())
    freeze_the_busy_renderer(machine.pid)
    with pymongo.MongoClient[dict[str, object]](mongodb.uri) as client:
        left_by_a_killed_trial = client["wordai_check"]
        left_by_a_killed_trial["data_folder"].insert_one({"_id": "identity", "folder_id": "other"})
        left_by_a_killed_trial["books"].insert_one({"book_id": "any"})
        failed = machine.deploy(machine.release("1.1.9", WRONG_VERSION))
        assert set(client.list_database_names()) - {"admin", "config", "local"} == {"wordai"}
    assert failed.returncode == 1, failed.stdout
    assert "6.6.6 answers instead of 1.1.9" in failed.stdout
    machine.check_serves("1.0.0")
    assert user.job(running)["status"] == "processing"
    user.post(f"/api/v1/books/jobs/{running}/cancel")


def test_a_release_that_passes_its_trial_but_fails_live_is_rolled_back(machine: Machine) -> None:
    failed = machine.deploy(machine.release("1.2.0", CRASHES, ONLY_LIVE))
    assert failed.returncode == 1 and "AssertionError" in failed.stdout, failed.stdout
    assert "Switching from 1.0.0" in failed.stdout and "1.0.0 serves again" in failed.stdout
    machine.check_serves("1.0.0")
    assert "1.2.0" not in machine.releases


def test_a_setting_that_a_release_does_not_know_is_named_before_the_switch(
    machine: Machine, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[server]\nport = {machine.port}\ncolour = 'blue'\n")
    failed = machine.deploy(machine.release("1.2.9"), DEPLOY_CONFIG=str(config))
    assert failed.returncode == 1 and "unknown key server.colour" in failed.stdout, failed.stdout
    machine.check_serves("1.0.0")


def test_a_second_deploy_at_the_same_time_is_refused(machine: Machine, tmp_path: Path) -> None:
    hold, held = tmp_path / "hold", tmp_path / "held"
    slow_installer = tmp_path / "installer"
    slow_installer.write_text(
        f"#!/bin/sh\ntouch {held}\nwhile [ ! -e {hold} ]; do sleep 0.05; done\nexit 1\n"
    )
    slow_installer.chmod(0o755)
    source = machine.release("1.3.0")
    first = machine.start("deploy", source, DEPLOY_INSTALLER=str(slow_installer))
    wait_until(held.exists, what="the first deploy's installation")
    second = machine.deploy(source)
    hold.touch()
    assert second.returncode == 4, second.stdout
    assert "another deploy is running" in second.stdout
    first.communicate(timeout=60)
    assert first.returncode == 1
    machine.check_serves("1.0.0")


def test_a_deploy_that_is_interrupted_after_the_switch_goes_back(machine: Machine) -> None:
    source = machine.release("1.4.0", NEVER_READY, ONLY_LIVE)
    process = machine.start("deploy", source)
    wait_until(lambda: is_ok(machine.port, "/health") and machine.version == "1.4.0", 60, "1.4.0")
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "1.0.0 serves again" in output, output
    machine.check_serves("1.0.0")


def test_status_names_what_is_installed_and_what_answers(machine: Machine) -> None:
    status = machine.run("status")
    assert status.returncode == 0, status.stdout
    assert "current:   1.0.0\n" in status.stdout and "answering: 1.0.0\n" in status.stdout


def test_the_release_that_serves_is_not_deployed_again(machine: Machine) -> None:
    refused = machine.deploy(machine.root.parent / "sources" / "1.0.0")
    assert refused.returncode == 1 and "1.0.0 is the release that serves" in refused.stdout
    machine.check_serves("1.0.0")


@pytest.mark.parametrize("arguments", ["deploy", "deploy /nowhere", "retreat", "status now"])
def test_wrong_use_is_exit_code_2(machine: Machine, arguments: str) -> None:
    assert machine.run(*arguments.split()).returncode == 2
