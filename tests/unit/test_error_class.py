"""Every error that users can read in a failed job has a class of its own in the statistics."""

import pytest

from wordai_jobs.jobs.error_class import error_class
from wordai_jobs.model.job import ErrorClass
from wordai_jobs.rendering.protocol import Failure


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Cancelled by user", ErrorClass.CANCELLED),
        ("Job took longer than 1800 s", ErrorClass.JOB_TIMEOUT),
        ("Page 17 took longer than 30 s", ErrorClass.PAGE_TIMEOUT),
        ("Page 1 crashed the renderer", ErrorClass.RENDERER_CRASH),
        ("Page 2 is damaged and cannot be rendered", ErrorClass.BAD_PDF),
        ("The uploaded PDF is no longer there", ErrorClass.UPLOAD_GONE),
        ("The database could not be reached while the job was running", ErrorClass.DATABASE),
        ("Server restarted while the job was running", ErrorClass.SERVER_STOPPED),
        ("Server was shut down while the job was running", ErrorClass.SERVER_STOPPED),
    ],
)
def test_an_error_has_its_class(words: str, expected: ErrorClass) -> None:
    assert error_class(words) is expected


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_of_a_child_has_a_class(failure: Failure) -> None:
    assert error_class(failure.message) is not ErrorClass.OTHER


def test_words_that_nobody_foresaw_are_no_label() -> None:
    assert error_class("Page of user 17 is odd") is ErrorClass.OTHER
