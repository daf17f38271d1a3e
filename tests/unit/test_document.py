"""What MuPDF, Python and the file system raise, as failures that have words."""

import errno

import pytest

from wordai_jobs.rendering.document import translated_errors
from wordai_jobs.rendering.options import Failure, RenderFailed


@pytest.mark.parametrize(
    "error, failure",
    [
        (MemoryError(), Failure.OUT_OF_MEMORY),
        (RuntimeError("code=2: malloc (16777216 bytes) failed"), Failure.OUT_OF_MEMORY),
        (RuntimeError("code=2: realloc (536870912 bytes) failed"), Failure.OUT_OF_MEMORY),
        (RuntimeError("code=2: calloc (1024 x 16 bytes) failed"), Failure.OUT_OF_MEMORY),
        (OSError(errno.ENOSPC, "No space left on device"), Failure.STORAGE_FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), Failure.STORAGE_FULL),
        (OSError(errno.EIO, "Input/output error"), Failure.BAD_PAGE),
        (RuntimeError("code=7: cannot find page 3 in page tree"), Failure.BAD_PAGE),
        (RenderFailed(Failure.ENCRYPTED), Failure.ENCRYPTED),
    ],
)
def test_an_error_is_named_by_its_cause(error: Exception, failure: Failure) -> None:
    with pytest.raises(RenderFailed) as raised, translated_errors(Failure.BAD_PAGE):
        raise error
    assert raised.value.failure is failure
