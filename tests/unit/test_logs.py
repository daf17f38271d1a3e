"""How events become lines, if no request can show it: errors, threads that end, children."""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator

import pytest

from wordai_jobs import logs
from wordai_jobs.config import LoggingSettings
from wordai_jobs.rendering.child_stderr import ChildStderr

FORGED = "bad\n2026-01-01T00:00:00.000Z INFO wordai_jobs.access: forged"
logger = logging.getLogger("wordai_jobs.test")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, hook = logging.getLogger(), threading.excepthook
    before = root.handlers[:], root.level
    root.handlers = []
    yield
    root.handlers, threading.excepthook = before[0], hook
    root.setLevel(before[1])
    logging.captureWarnings(False)


def fail() -> None:
    raise ValueError(FORGED)


def log_failure() -> None:
    try:
        fail()
    except ValueError:
        logger.exception("it failed: %s", FORGED)


def test_in_text_a_traceback_is_indented_so_that_it_cannot_imitate_an_event(
    capfd: pytest.CaptureFixture[str],
) -> None:
    logs.configure(LoggingSettings())
    log_failure()
    first, *rest = capfd.readouterr().err.splitlines()
    forged = r"bad\n2026-01-01T00:00:00.000Z INFO wordai_jobs.access: forged"
    assert first.endswith(f"it failed: {forged}")
    assert rest[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in rest)


def test_in_json_an_error_is_one_line_with_its_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(LoggingSettings(format="json"))
    with logs.about_job("a-job"):
        log_failure()
    [line] = capfd.readouterr().err.splitlines()
    event = json.loads(line)
    assert (event["level"], event["logger"]) == ("error", "wordai_jobs.test")
    assert event["job_id"] == "a-job"
    assert event["exception"].startswith("Traceback") and event["exception"].endswith(FORGED)


def test_a_thread_that_ends_with_an_error_is_logged_as_an_event(
    capfd: pytest.CaptureFixture[str],
) -> None:
    logs.configure(LoggingSettings(format="json"))
    thread = threading.Thread(target=fail, name="worker")
    thread.start()
    thread.join()
    [line] = capfd.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "the thread worker ended with an error"


def test_libraries_are_logged_from_warning_on_at_any_level(
    capfd: pytest.CaptureFixture[str],
) -> None:
    logs.configure(LoggingSettings(level="debug"))
    logging.getLogger("pymongo.command").debug("a command")
    logging.getLogger("waitress.queue").warning("Task queue depth is 9")
    logger.debug("ours")
    assert capfd.readouterr().err.count("\n") == 1


def test_only_an_id_of_a_job_is_logged_as_one(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(LoggingSettings())
    logs.begin_request("a-request", "../../etc/passwd")
    logger.info("one")
    logs.end_request()
    logger.info("two")
    one, two = capfd.readouterr().err.splitlines()
    assert " [request=a-request]: one" in one and "wordai_jobs.test: two" in two


def test_a_child_that_says_too_much_is_cut_off_until_its_next_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logging.getLogger().addHandler(caplog.handler)
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe:
        stderr = ChildStderr("renderer 1", pipe)
        os.write(writing, b"word\n" * 1000 + b"\xff" * 2000 + b"\n")
        assert stderr.log()
        assert len(caplog.messages) == 21
        assert caplog.messages[-1] == "renderer 1: says too much to be logged"
        stderr.begin_request()
        os.write(writing, b"unfinished")
        os.close(writing)
        assert stderr.log() and not stderr.log()
    assert caplog.messages[21:] == ["renderer 1: unfinished"]


@pytest.mark.parametrize("line", [b"a\n", b"\n"], ids=["short lines", "empty lines"])
def test_a_flood_of_lines_takes_little_time_of_the_processor(line: bytes) -> None:
    reading, writing = os.pipe()
    block = line * (65_536 // len(line))
    with open(reading, "rb") as pipe, open(writing, "wb", buffering=0) as flooded:
        stderr = ChildStderr("renderer 1", pipe)
        stderr.begin_request()
        flooded.write(block)
        stderr.log()
        began_s = time.thread_time()
        for _ in range(100):
            flooded.write(block)
            stderr.log()
        # Separated into lines, they take 0.3 s.
        assert time.thread_time() - began_s < 0.1
