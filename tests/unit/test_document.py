"""What MuPDF, Python and the file system raise, as failures with a message."""

import errno

import pytest

from wordai_jobs.rendering.document import RenderFailed, translated_errors
from wordai_jobs.rendering.protocol import Failure

NO_MEMORY_IN_A_BINDING = SystemError(
    "<built-in function extractWORDS> returned a result with an exception set"
)
NO_MEMORY_IN_A_BINDING.__cause__ = MemoryError()


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        pytest.param(MemoryError(), Failure.OUT_OF_MEMORY, id="Python's memory"),
        pytest.param(
            RuntimeError("code=2: malloc (16777216 bytes) failed"),
            Failure.OUT_OF_MEMORY,
            id="MuPDF's malloc",
        ),
        pytest.param(
            RuntimeError("code=2: realloc (536870912 bytes) failed"),
            Failure.OUT_OF_MEMORY,
            id="MuPDF's realloc",
        ),
        pytest.param(
            RuntimeError("code=2: calloc (1024 x 16 bytes) failed"),
            Failure.OUT_OF_MEMORY,
            id="MuPDF's calloc",
        ),
        pytest.param(NO_MEMORY_IN_A_BINDING, Failure.OUT_OF_MEMORY, id="memory in a binding"),
        pytest.param(
            OSError(errno.ENOSPC, "No space left on device"), Failure.STORAGE_FULL, id="full disk"
        ),
        pytest.param(
            OSError(errno.EDQUOT, "Disk quota exceeded"), Failure.STORAGE_FULL, id="full quota"
        ),
        pytest.param(OSError(errno.EIO, "Input/output error"), Failure.BAD_PAGE, id="broken disk"),
        pytest.param(
            RuntimeError("code=7: cannot find page 3 in page tree"),
            Failure.BAD_PAGE,
            id="broken page",
        ),
        pytest.param(RenderFailed(Failure.ENCRYPTED), Failure.ENCRYPTED, id="known already"),
    ],
)
def test_an_error_becomes_the_failure_that_caused_it(error: Exception, failure: Failure) -> None:
    with pytest.raises(RenderFailed) as raised, translated_errors(Failure.BAD_PAGE):
        raise error
    assert raised.value.failure is failure
