"""The metrics of the real server."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import StartServer
from tests.support.client import Client
from tests.support.mongo import DatabaseProcess
from tests.support.pdfs import hanging_pdf, photo_pdf, text_pdf
from tests.support.processes import busy_renderer, renderers
from tests.support.server import ROOT, ServerProcess, free_port
from tests.support.tools import program
from tests.support.waiting import wait_until

SETTINGS = {"rendering.page_timeout_s": 2, "rendering.processes": 1, "jobs.workers": 1}
DASHBOARD = ROOT / "deploy" / "grafana-dashboard.json"
JOB = "/api/v1/books/jobs/<job_id>"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose metrics are changed by the tests of this module only."""
    server = ServerProcess(tmp_path_factory.mktemp("measured"), SETTINGS).start().wait_until_ready()
    yield server
    assert server.stop() == 0


class Scrape:
    """The metrics at one moment."""

    def __init__(self, url: str) -> None:
        response = requests.get(f"{url}/metrics", timeout=10)
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        self.text = response.text
        self.families: list[Metric] = list(text_string_to_metric_families(response.text))

    def __getitem__(self, key: tuple[str, dict[str, str]]) -> float:
        name, labels = key
        return sum(
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    @property
    def names(self) -> set[str]:
        return {sample.name for family in self.families for sample in family.samples}


def test_a_completed_job_is_counted_and_its_time_is_measured(measured: ServerProcess) -> None:
    user = Client(measured.url, "an")
    before = Scrape(measured.url)
    job = user.end_of(user.submit(text_pdf(4)))
    assert job["status"] == "completed"
    wait_until(
        lambda: Scrape(measured.url)["wordai_jobs_jobs", {}] == 0, what="the job to be released"
    )
    after = Scrape(measured.url)

    def grown(name: str, **labels: str) -> float:
        return after[name, labels] - before[name, labels]

    assert grown("wordai_jobs_jobs_accepted_total") == 1
    assert grown("wordai_jobs_jobs_ended_total", outcome="completed") == 1
    assert grown("wordai_jobs_jobs_ended_total", outcome="failed") == 0
    assert grown("wordai_jobs_queue_wait_seconds_count") == 1
    assert grown("wordai_jobs_page_render_duration_seconds_count") == 4
    for phase in ("fetch", "render", "create"):
        assert grown("wordai_jobs_job_phase_duration_seconds_count", phase=phase) == 1
    assert grown("wordai_jobs_job_duration_seconds_count", outcome="completed") == 1
    assert grown("wordai_jobs_job_duration_seconds_sum", outcome="completed") > 0
    requests_total = "wordai_jobs_http_requests_total"
    assert grown(requests_total, route="/api/v1/files", method="POST", status="201") == 1
    polls = grown("wordai_jobs_poll_duration_seconds_count")
    assert polls >= 1
    assert polls == grown(requests_total, route=JOB, method="GET", status="200")
    assert polls == grown("wordai_jobs_http_request_duration_seconds_count", route=JOB)


def test_failures_have_a_class_and_children_a_reason(measured: ServerProcess) -> None:
    user = Client(measured.url, "binh")
    before, children = Scrape(measured.url), renderers(measured)
    hanging, waiting = user.submit(hanging_pdf()), user.submit(photo_pdf())
    assert Scrape(measured.url)["wordai_jobs_queue_depth", {}] >= 1
    assert user.post(f"/api/v1/books/jobs/{waiting}/cancel").status_code == 200
    assert user.end_of(hanging)["error"] == "Page 1 took longer than 2 s"
    wait_until(lambda: has_new_renderer(measured, children), what="the new child")
    running = user.submit(hanging_pdf())
    busy_renderer(measured.pid, 0.3)
    assert Scrape(measured.url)["wordai_jobs_jobs", {"status": "processing"}] == 1
    assert user.post(f"/api/v1/books/jobs/{running}/cancel").status_code == 200
    for reason in ("hang", "cancelled"):
        key = ("wordai_jobs_child_restarts_total", {"child": "renderer", "reason": reason})
        wait_until(lambda: Scrape(measured.url)[key] == before[key] + 1, what=reason)
    after = Scrape(measured.url)
    for error, count in {"cancelled": 2, "page_timeout": 1, "other": 0}.items():
        key = ("wordai_jobs_job_failures_total", {"error": error})
        assert after[key] - before[key] == count, error


def has_new_renderer(server: ServerProcess, before: list[int]) -> bool:
    now = renderers(server)
    is_replaced = len(now) == len(before) and now != before
    return is_replaced and Scrape(server.url)["wordai_jobs_renderers_ready", {}] == 1


def test_a_database_that_cannot_be_reached_is_counted(
    start_server: StartServer, tmp_path: Path
) -> None:
    database = DatabaseProcess(tmp_path / "database").start()
    server = start_server({"mongodb.uri": database.uri})
    user = Client(server.url, "chi")
    database.kill()
    assert user.get("/api/v1/books/jobs").status_code == 500
    scrape = Scrape(server.url)
    assert scrape["wordai_jobs_database_errors_total", {"fault": "unreachable"}] >= 1
    assert scrape["wordai_jobs_disk_free_bytes", {}] > 0
    server.kill()


def test_labels_have_a_few_fixed_values_whatever_clients_send(measured: ServerProcess) -> None:
    user = Client(measured.url, "dung-with-a-name")
    job_id = user.submit(photo_pdf())
    user.end_of(job_id)
    for path in ("/one", "/two", f"/api/v1/books/jobs/{job_id}x", "/health?a=1"):
        user.get(path)
    user.request("BREW", "/health")
    scrape = Scrape(measured.url)
    for secret in (job_id, user.user_id, user.book_id, "/one", "BREW"):
        assert secret not in scrape.text
    assert scrape["wordai_jobs_http_requests_total", {"route": "unmatched", "status": "404"}] >= 2
    assert scrape["wordai_jobs_http_requests_total", {"method": "other"}] == 1
    labels = {
        label for family in scrape.families for sample in family.samples for label in sample.labels
    }
    assert labels == {
        "route",
        "method",
        "status",
        "outcome",
        "error",
        "phase",
        "child",
        "reason",
        "fault",
        "le",
        "version",
    }


def test_promtool_accepts_the_metrics(measured: ServerProcess) -> None:
    Client(measured.url, "em").get("/api/v1/books")
    checked = subprocess.run(
        [program("promtool", "prometheus"), "check", "metrics"],
        input=Scrape(measured.url).text,
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_dashboard_shows_every_metric_and_no_other(measured: ServerProcess) -> None:
    user = Client(measured.url, "giang")
    user.end_of(user.submit(photo_pdf()))
    names = Scrape(measured.url).names
    dashboard = json.loads(DASHBOARD.read_text())
    shown = {
        name
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
        for name in re.findall(r"\b(?:wordai_jobs|process)_\w+", target["expr"])
    }
    assert shown <= names
    assert own_families(shown) == own_families(names)


def own_families(names: set[str]) -> set[str]:
    return {
        re.sub(r"_(bucket|count|sum)$", "", name)
        for name in names
        if name.startswith("wordai_jobs_")
    }


def test_no_sample_says_when_its_series_was_created(measured: ServerProcess) -> None:
    assert not [name for name in Scrape(measured.url).names if name.endswith("_created")]


def test_with_a_port_of_their_own_the_metrics_are_only_there(start_server: StartServer) -> None:
    port = free_port()
    server = start_server({"metrics.port": port})
    assert requests.get(f"{server.url}/metrics", timeout=10).status_code == 404
    assert Scrape(f"http://127.0.0.1:{port}")["wordai_jobs_build_info", {}] == 1
    assert server.stop() == 0


def test_a_metrics_port_that_is_taken_stops_the_start_with_one_clear_line(
    measured: ServerProcess, tmp_path: Path
) -> None:
    second = ServerProcess(tmp_path / "second", {"metrics.port": measured.port})
    second.launch()
    assert second.process and second.process.wait(60) == 1
    assert second.log.count("\n") == 1, second.log
    assert f"Cannot listen on 127.0.0.1:{measured.port} (metrics.port)" in second.log
